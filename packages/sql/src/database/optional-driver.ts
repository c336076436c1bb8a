import { ConnectError } from "../statement/errors.ts";

/** Loads a driver that the user installs beside this package. @throws ConnectError that says how, if it is missing. */
export async function optionalDriver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new ConnectError(`the driver "${name}" is not installed: npm install ${name}`, "unreachable", {
      cause: error,
    });
  }
}
