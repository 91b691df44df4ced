import { z } from "zod";

/**
 * JSON as Go's decoder would take it for `schema`: keys in any case, `null` as absent. What comes from the API was never
 * aligned with a schema, as a file is; anything but a zod schema leaves it as it is. compat(dex): encoding/json.
 */
export function asGoReads(value: unknown, schema: unknown): unknown {
  const shape = withoutWrappers(schema);
  if (shape instanceof z.ZodArray && Array.isArray(value)) return value.map((item) => asGoReads(item, shape.element));
  if (!(shape instanceof z.ZodObject) || typeof value !== "object" || value === null || Array.isArray(value)) {
    return value;
  }
  const names = Object.keys(shape.shape);
  const members = Object.entries(value).flatMap(([key, member]): [string, unknown][] => {
    if (member === null) return [];
    const folded = key.toLowerCase();
    const name = names.includes(key) ? key : (names.find((one) => one.toLowerCase() === folded) ?? key);
    return [[name, asGoReads(member, Object.hasOwn(shape.shape, name) ? shape.shape[name] : undefined)]];
  });
  return Object.fromEntries(members);
}

/** The schema of what is written, without defaults and transformations. */
function withoutWrappers(schema: unknown): unknown {
  if (schema instanceof z.ZodPipe) return withoutWrappers(schema.in);
  const isWrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch;
  return isWrapped ? withoutWrappers(schema.unwrap()) : schema;
}
