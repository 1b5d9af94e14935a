// Validates messages by a JSON Schema, and shows that it refuses those that are broken on purpose.
// stdin: { schema, messages: [object] }; stdout: { invalid: [{ message, errors }], seen: { definition: count }, mutants, survivors: [object] }
import { text } from "node:stream/consumers";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const { schema, messages } = JSON.parse(await text(process.stdin));
const ajv = new Ajv({ strict: true, allowUnionTypes: true });
addFormats(ajv);
const isValid = ajv.compile(schema);
const definitions = schema.oneOf.map(({ $ref }) => ({ name: $ref.split("/").at(-1), fits: ajv.getSchema(schema.$id + $ref) }));

const invalid = [];
const seen = Object.fromEntries(definitions.map(({ name }) => [name, 0]));
const samples = new Map();
for (const message of messages) {
  const fitting = definitions.filter(({ fits }) => fits(message));
  if (!isValid(message)) invalid.push({ message, errors: isValid.errors.filter(({ schemaPath }) => !schemaPath.endsWith("/const")).slice(0, 10) });
  for (const { name } of fitting) seen[name]++;
  // One with the most fields stands for all of its kind.
  if (fitting.length === 1) {
    const [{ name }] = fitting;
    if (Object.keys(message).length > Object.keys(samples.get(name) ?? {}).length) samples.set(name, message);
  }
}

let mutants = 0;
const survivors = [];
for (const [name, sample] of samples) for (const mutant of broken(sample, schema.$defs[name])) {
  mutants++;
  if (isValid(mutant)) survivors.push(mutant);
}

console.log(JSON.stringify({ invalid, seen, mutants, survivors }));

/** The message with each required field missing, and with each known one of a wrong type or beyond its bounds; parts too. */
function* broken(value, definition) {
  for (const field of definition.required ?? []) {
    const { [field]: _, ...rest } = value;
    yield rest;
  }
  for (const [field, kind] of Object.entries(definition.properties ?? {})) {
    if (!(field in value) || kind === true) continue;
    // Any other text there is a type of the future, which is allowed.
    for (const wrong of field === "type" ? [17] : wrongs(value[field], kind)) yield { ...value, [field]: wrong };
  }
}

function* wrongs(value, kind) {
  if (kind.$ref) {
    yield "text";
    yield* broken(value, schema.$defs[kind.$ref.split("/").at(-1)]);
  } else if (kind.type === "array") {
    yield {};
    if (kind.items?.$ref && value.length) for (const wrong of wrongs(value[0], kind.items)) yield [wrong, ...value.slice(1)];
  } else if (kind.const !== undefined || kind.enum) {
    yield 17;
    yield "nonsense";
  } else if (kind.type) {
    yield kind.type === "string" ? 17 : "17";
    if (kind.format) yield "17";
    if (kind.minimum !== undefined) yield kind.minimum - 1;
    if (kind.maximum !== undefined) yield kind.maximum + 1;
    if (kind.type === "integer") yield value + 0.5;
  }
}
