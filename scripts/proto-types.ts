/** The types of a `.proto` file as the loader hands messages out: names as on the wire, numbers for all integers, Buffers for bytes. */
import { join } from "node:path";
import protobuf from "protobufjs";

const scalars: Readonly<Record<string, string>> = { string: "string", bool: "boolean", bytes: "Buffer" };

/** What `src/admin/NAME-messages.ts` holds: one interface for each message, and what each method takes and answers. */
export function protoTypes(file: string, methods: string): string {
  const root = new protobuf.Root().loadSync(join(import.meta.dirname, "..", file), { keepCase: true });
  const lines = [`/** Generated from ${file} by \`make docs\`; not edited. */`];
  const visit = (space: protobuf.NamespaceBase): void => {
    for (const inner of space.nestedArray) {
      if (inner instanceof protobuf.Type) lines.push("", ...interfaceOf(inner));
      else if (inner instanceof protobuf.Service) lines.push("", ...methodsOf(inner, methods));
      else if (inner instanceof protobuf.Namespace) visit(inner);
    }
  };
  visit(root);
  return `${lines.join("\n")}\n`;
}

function interfaceOf(type: protobuf.Type): readonly string[] {
  if (type.fieldsArray.length === 0) return [`export type ${type.name} = Readonly<Record<never, never>>;`];
  return [
    `export interface ${type.name} {`,
    ...type.fieldsArray.map((field) => `  readonly ${field.name}${isOptional(field) ? "?" : ""}: ${typeOf(field)};`),
    "}",
  ];
}

const isOptional = (field: protobuf.Field): boolean => field.options?.proto3_optional === true;

function typeOf(field: protobuf.Field): string {
  const scalar = scalars[field.type] ?? (/^u?int(32|64)$/.test(field.type) ? "number" : undefined);
  if (field.repeated) return `readonly ${scalar ?? field.type}[]`;
  return scalar ?? `${field.type} | null`;
}

const methodsOf = (service: protobuf.Service, name: string): readonly string[] => [
  `/** The methods of \`${service.fullName.slice(1)}\`: what each takes, and what it answers. */`,
  `export interface ${name} {`,
  ...service.methodsArray.map(
    (method) => `  readonly ${method.name}: readonly [${method.requestType}, ${method.responseType}];`,
  ),
  "}",
];
