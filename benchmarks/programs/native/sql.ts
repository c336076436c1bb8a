import type { Peer } from "../peer.ts";
import { endClients, sqlPrograms, type Together } from "../sql.ts";
import { mysql } from "./sql-mysql.ts";
import { postgres } from "./sql-postgres.ts";
import { sqlite } from "./sql-sqlite.ts";

const together: Together = (functions) => Promise.all(functions.map((each) => each()));

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    await endClients();
  },
  programs: {
    ...sqlPrograms("postgres", postgres, together),
    ...sqlPrograms("mysql", mysql, together),
    ...sqlPrograms("sqlite", sqlite, together),
  },
};

export default peer;
