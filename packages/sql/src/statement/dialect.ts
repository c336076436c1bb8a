/** How one of the databases writes what they write differently. */
export interface Dialect {
  readonly name: "postgres" | "mysql" | "sqlite";
  /** The mark that stands for the parameter with this number, from 1. */
  placeholder(number: number): string;
  /** The quotation mark of identifiers. */
  readonly quote: '"' | "`";
  /** Can a list be one parameter? */
  readonly arrays: boolean;
}

/** PostgreSQL. */
export const POSTGRES: Dialect = {
  name: "postgres",
  placeholder: (number) => `$${number}`,
  quote: '"',
  arrays: true,
};

/** MySQL and MariaDB. */
export const MYSQL: Dialect = { name: "mysql", placeholder: () => "?", quote: "`", arrays: false };

/** SQLite. */
export const SQLITE: Dialect = { name: "sqlite", placeholder: () => "?", quote: '"', arrays: false };
