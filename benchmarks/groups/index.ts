/** All rows, in the order of the tables. A new group is a file beside this one, and a program for each peer. */
import type { Row } from "../harness/row.ts";
import { core } from "./core.ts";
import { distributed } from "./distributed.ts";
import { echo } from "./echo.ts";
import { executors } from "./executors.ts";
import { httpClient } from "./http-client.ts";
import { httpDownload } from "./http-download.ts";
import { httpServer } from "./http-server.ts";
import { sql } from "./sql.ts";

export const rows: readonly Row[] = [
  ...core,
  ...echo,
  ...executors,
  ...distributed,
  ...httpClient,
  ...httpDownload,
  ...httpServer,
  ...sql,
];
