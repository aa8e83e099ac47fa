import { refuse } from "../../openlora/openai.ts";

/** Reads the fields of a request's JSON body, naming the one that does not fit. */
export class Fields {
  readonly #fields: Record<string, unknown>;

  constructor(body: unknown) {
    if (typeof body !== "object" || body === null || Array.isArray(body)) throw refuse("body", "must be a JSON object");
    this.#fields = body as Record<string, unknown>;
  }

  text(field: string, most: number): string {
    const value = this.#fields[field];
    if (typeof value !== "string" || value.trim() === "" || value.length > most)
      throw refuse(field, `must be a text of 1 to ${most} characters`);
    return value;
  }

  /** A number from the chain, as decimal text. */
  id(field: string): string {
    return idOf(this.#fields[field], field);
  }

  oneOf<T extends string>(field: string, values: readonly T[], fallback?: T): T {
    const value = this.#fields[field] ?? fallback;
    if (!values.includes(value as T)) throw refuse(field, `must be one of ${values.join(", ")}`);
    return value as T;
  }

  integer(field: string, least: number, most: number): number {
    const value = this.#fields[field];
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
      throw refuse(field, `must be a whole number from ${least} to ${most}`);
    return value as number;
  }

  number(field: string, least: number, most: number, fallback: number): number {
    const value = this.#fields[field] ?? fallback;
    if (typeof value !== "number" || !(value >= least && value <= most))
      throw refuse(field, `must be a number from ${least} to ${most}`);
    return value;
  }
}

/** @throws OpenLedgerError `REQUEST_…`, naming the field. */
export function idOf(value: unknown, field: string): string {
  if (typeof value !== "string" || !/^\d{1,78}$/.test(value)) throw refuse(field, "must be an id as decimal text");
  return value;
}
