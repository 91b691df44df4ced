/** Those of `given` that are `required`, byte for byte, in the order and as often as given. compat(dex): pkg/groups. */
export function filterGroups(given: readonly string[], required: readonly string[]): readonly string[] {
  const wanted = new Set(required);
  return given.filter((group) => wanted.has(group));
}
