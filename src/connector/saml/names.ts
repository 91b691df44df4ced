/** The namespaces and identifiers of SAML 2.0 and of what it stands on, as the specifications spell them. */
export const ns = {
  protocol: "urn:oasis:names:tc:SAML:2.0:protocol",
  assertion: "urn:oasis:names:tc:SAML:2.0:assertion",
  metadata: "urn:oasis:names:tc:SAML:2.0:metadata",
  signature: "http://www.w3.org/2000/09/xmldsig#",
  encryption: "http://www.w3.org/2001/04/xmlenc#",
  encryption11: "http://www.w3.org/2009/xmlenc11#",
  exclusive: "http://www.w3.org/2001/10/xml-exc-c14n#",
  xml: "http://www.w3.org/XML/1998/namespace",
} as const;

/** SAML Bindings §3.4, §3.5. */
export const bindings = {
  redirect: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
  post: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
} as const;

/** SAML Core §3.2.2.2. */
export const statusPrefix = "urn:oasis:names:tc:SAML:2.0:status:";

/** SAML Profiles §3.3. */
export const bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/** SAML Core §8.3.6. */
export const entityFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";

export const persistentFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
export const transientFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/** SAML Core §8.3, by the last component, as `nameIDPolicyFormat` may shorten them. */
export const nameIdFormats: ReadonlyMap<string, string> = new Map([
  ["emailAddress", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"],
  ["unspecified", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"],
  ["X509SubjectName", "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"],
  ["WindowsDomainQualifiedName", "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName"],
  ["encrypted", "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"],
  ["entity", entityFormat],
  ["kerberos", "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos"],
  ["persistent", persistentFormat],
  ["transient", transientFormat],
]);
