// Writes src/api/resources.gen.ts, of which the console makes a screen for every resource, and src/api/structures.gen.ts, what structured values are made
// of: node scripts/resources.mjs [OPENAPI [TABLE [STRUCTURES]]].
// What stands in it comes from openapi.json alone, which siegel-api makes of the tables of its resources.
import { readFileSync, writeFileSync } from "node:fs";
import { argv } from "node:process";

const MEDIA_TYPE = "application/vnd.api+json";

/** How a value is shown and typed. */
function kindOf(schema) {
  if (schema.writeOnly) {
    return "secret";
  }
  switch (schema.type) {
    case "integer":
      return "int";
    case "boolean":
      return "bool";
    case "array":
      return "texts";
    case "object":
      return "map";
    case "string":
      return schema.format === "date-time" ? "time" : schema.contentMediaType ? "lines" : schema.pattern ? "hex" : "text";
    default:
      return "json";
  }
}

const REF = "#/components/schemas/";

/** One attribute; what isn't so isn't there, so that the table stays small. */
function fieldOf(schema, required = false) {
  const values = schema.enum ?? schema.items?.enum;
  return {
    kind: kindOf(schema),
    ...(values && { values }),
    ...(schema.$ref?.startsWith(REF) && kindOf(schema) === "json" && schema.$ref !== `${REF}relationship` && { schema: schema.$ref.slice(REF.length) }),
    ...(schema["x-siegel-resource"] && { of: schema["x-siegel-resource"] }),
    ...(schema["x-siegel-relationship"] && { relationship: true }),
    ...(required && { required: true }),
    ...(schema["x-siegel-filter"] && { filter: true }),
    ...(schema["x-siegel-sort"] && { sort: true }),
    ...(schema["x-siegel-on-request"] && { onRequest: true }),
    ...(schema["x-siegel-once"] && { once: true }),
  };
}

const fieldsOf = (schema) => {
  const required = [...(schema?.required ?? []), ...(schema?.["x-siegel-required-relationships"] ?? [])];
  return Object.fromEntries(Object.entries(schema?.properties ?? {}).map(([name, one]) => [name, fieldOf(one, required.includes(name))]));
};

/** What is asked with that method at that address. */
function operationOf(method, path, operation) {
  const content = operation.requestBody?.content ?? {};
  const data = content[MEDIA_TYPE]?.schema.properties.data.properties;
  const raw = Boolean(content["application/octet-stream"]);
  const query = operation.parameters.filter((p) => p.in === "query").map((p) => [p.name, fieldOf(p.schema, p.required)]);
  return {
    method: method.toUpperCase(),
    path,
    right: operation["x-siegel-right"],
    ...(data && { type: data.type.const, fields: fieldsOf(data.attributes) }),
    ...(raw && { raw: true, fields: Object.fromEntries(query) }),
  };
}

function resourceOf(name, document) {
  const schema = document.components.schemas[name]?.properties;
  const resource = { types: schema?.type.enum ?? [], fields: {}, relationships: {}, actions: {}, wide: {} };
  resource.fields = fieldsOf(schema?.attributes);
  resource.relationships = fieldsOf(schema?.relationships);
  for (const [path, item] of Object.entries(document.paths)) {
    const [, first, second, third] = path.split("/");
    if (first !== name || (name === "sessions" && second && second !== "{id}")) {
      continue; // signing in, and one's own session: their screens have it
    }
    for (const [method, operation] of Object.entries(item)) {
      const one = operationOf(method, path, operation);
      if (third) {
        resource.actions[third] = one;
      } else if (second && second !== "{id}") {
        if (method !== "get") {
          resource.wide[second] = one;
        } // else it is a file, which its own screen fetches
      } else if (method === "get") {
        const many = operation.responses["200"]?.content?.[MEDIA_TYPE]?.schema.properties.data.type === "array";
        const parted = Boolean(document.paths[`/${name}/{id}`]?.get);
        resource[second || !(many || parted) ? "one" : "list"] = one;
        if (operation["x-siegel-default-sort"]) {
          resource.sort = operation["x-siegel-default-sort"];
        }
      } else {
        resource[{ post: "create", patch: "update", delete: "remove" }[method]] = one;
      }
    }
  }
  return resource;
}

/** The table of all resources, in alphabetical order. */
export function describe(document) {
  const names = [...new Set(Object.keys(document.paths).map((path) => path.split("/")[1]))].sort();
  return Object.fromEntries(names.map((name) => [name, resourceOf(name, document)]));
}

/** What structured values are made of: the components that aren't resources. */
export function structures(document) {
  return Object.fromEntries(Object.entries(document.components.schemas).filter(([name, one]) => !one.properties?.attributes && name !== "relationship" && name !== "errors"));
}

if (import.meta.url === `file://${argv[1]}`) {
  const document = JSON.parse(readFileSync(argv[2] ?? "openapi.json", "utf8"));
  const table = describe(document);
  const text = Object.entries(table).map(([name, one]) => `  ${JSON.stringify(name)}: ${JSON.stringify(one)},\n`);
  const head = `// Made of openapi.json by scripts/resources.mjs; not to be changed by hand.\nimport type { Resource } from "../resources/model";\n\n`;
  const names = `export type ResourceName =\n${Object.keys(table).map((name) => `  | ${JSON.stringify(name)}`).join("\n")};\n\n`;
  writeFileSync(argv[3] ?? "src/api/resources.gen.ts", `${head}${names}export const RESOURCES: Record<ResourceName, Resource> = {\n${text.join("")}};\n`);
  const parts = Object.entries(structures(document)).map(([name, one]) => `  ${JSON.stringify(name)}: ${JSON.stringify(one)},\n`);
  const top = `// Made of openapi.json by scripts/resources.mjs; not to be changed by hand.\nimport type { Schema } from "../structure/schema";\n\n`;
  const known = `export type StructureName =\n${Object.keys(structures(document)).map((name) => `  | ${JSON.stringify(name)}`).join("\n")};\n\n`;
  writeFileSync(argv[4] ?? "src/api/structures.gen.ts", `${top}${known}export const STRUCTURES: Record<StructureName, Schema> = {\n${parts.join("")}};\n`);
}
