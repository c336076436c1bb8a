import type { SchemaIssue } from "./errors.ts";

/**
 * What any library for schemas offers that follows the Standard Schema specification (https://standardschema.dev): Zod, Valibot,
 * ArkType, TypeBox and others.
 */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What a {@link StandardSchema} found. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** How many issues a message shows. */
const SHOWN = 5;

export function isSchema(value: unknown): value is StandardSchema {
  return (typeof value === "object" || typeof value === "function") && value !== null && "~standard" in value;
}

export function issuesOf(issues: readonly StandardIssue[]): SchemaIssue[] {
  return issues.map(({ message, path = [] }) => ({
    message,
    path: path.map((step) => String(typeof step === "object" ? step.key : step)).join("."),
  }));
}

export function shownIssues(issues: readonly SchemaIssue[]): string {
  const lines = issues
    .slice(0, SHOWN)
    .map(({ message, path }) => (path === "" ? message : `${path}: ${message}`));
  const more = issues.length > SHOWN ? [`and ${issues.length - SHOWN} more`] : [];
  return [...lines, ...more].join("; ");
}
