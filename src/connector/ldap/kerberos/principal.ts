/** A Kerberos name taken apart. RFC 1964 §2.1.1: a backslash goes before what would separate. */
export interface Principal {
  readonly name: string;
  readonly realm: string;
}

/** Undefined where there is no realm, or the name would read as another one once it is unescaped. */
export function parsePrincipal(text: string): Principal | undefined {
  const match = /^((?:[^@\\]|\\.)+)@((?:[^@\\]|\\.)+)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  // `jane\@corp@REALM` is not jane, and `a\/b` not the instance b of a.
  if (match[1].includes("\\")) return undefined;
  return { name: match[1], realm: match[2] };
}

/** What the directory is searched for. compat(dex): connector/ldap/kerberos.go, mapPrincipal. */
export const usernameOf = ({ name, realm }: Principal, usernameFromPrincipal: string): string =>
  usernameFromPrincipal.toLowerCase() === "userprincipalname" ? `${name}@${realm}` : name;

/** `HTTP/dex.example.com@REALM` as GSS-API names a service, `HTTP@dex.example.com`. Undefined: no service of a host. */
export function hostService(spn: string): string | undefined {
  const match = /^([^/@]+)\/([^/@]+)(?:@[^@]*)?$/.exec(spn);
  return match === null ? undefined : `${match[1]}@${match[2]}`;
}
