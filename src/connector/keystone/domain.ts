/** How a request names a domain: `{}` names none. */
export type DomainReference = { readonly id: string } | { readonly name: string } | Readonly<Record<never, never>>;

/** The spellings of a UUID that Go's parser takes. compat(dex): github.com/google/uuid. */
const uuid =
  /^(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$|^.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}.$|^[0-9a-f]{32}$/i;

/** compat(dex): `default` and whatever is a UUID are ids, everything else is a name. */
export function domainReference(domain: string): DomainReference {
  if (domain === "") return {};
  return domain === "default" || uuid.test(domain) ? { id: domain } : { name: domain };
}
