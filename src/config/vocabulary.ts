import { z } from "zod";
import { Secret } from "../kernel/secret.ts";

// A file is read once: compiling a parser for each of its sections takes longer than it saves.
z.config({ jitless: true });

/**
 * The words the schema is written in. A schema says what a key is called, which JSON type it has and what
 * it means to a person; it checks no values. `align.ts` brings the file into this shape, the `read…`
 * functions check the values afterwards: so one mistyped key hides no other mistake. A section is written
 * `z.object({…}).prefault({})`, so that an absent one reads like an empty one.
 */

/** A Go duration as text. What it is when absent stands in the description. */
export const duration = (description: string) => z.string().optional().meta({ description, format: "duration" });

/** Free text; absent and empty mean the same. */
export const text = (description: string, values?: readonly string[]) =>
  z
    .string()
    .default("")
    .meta(values === undefined ? { description } : { description, enum: ["", ...values] });

/** Text that no log and no print-out may show. */
export const secretText = (description: string) =>
  z
    .string()
    .default("")
    .transform((value) => new Secret(value))
    .meta({ description, writeOnly: true });

export const flag = (description: string) => z.boolean().default(false).meta({ description });

/** Absent and false differ. */
export const optionalFlag = (description: string) => z.boolean().optional().meta({ description });

export const texts = (description: string) => z.array(z.string()).default([]).meta({ description });

/** Absent and empty differ. */
export const optionalTexts = (description: string) => z.array(z.string()).optional().meta({ description });

export const integer = (description: string, min?: number, max?: number) => {
  let schema = z.int();
  if (min !== undefined) schema = schema.min(min);
  if (max !== undefined) schema = schema.max(max);
  return schema.default(0).meta({ description });
};

/** A block whose shape depends on the `type` beside it; read by that type's own schema. */
export const typedBlock = (description: string) => z.unknown().optional().meta({ description });
