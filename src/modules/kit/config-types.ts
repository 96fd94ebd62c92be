/**
 * GraphQL types made from the zod configurations, so that the API takes exactly what the workers read: the same fields,
 * and those that the configuration has a default for are optional.
 */
import { Field, Float, InputType, Int, ObjectType } from 'type-graphql';
import { z } from 'zod';

type ClassType = new () => object;

/** The object type and the input type of one configuration. */
export interface ConfigTypes {
  output: ClassType;
  input: ClassType;
}

/** A registered enum: its values by name. */
type EnumType = Readonly<Record<string, string>>;

/** `filled`: the configuration has a value of its own for what is left out, which depends on other fields. */
type About = string | { about: string; type: ConfigTypes | EnumType } | { about: string; filled: true };

/** What is read of a JSON Schema. */
interface Property {
  type?: string;
  anyOf?: Property[];
  items?: Property;
  default?: unknown;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  const?: unknown;
}

/** Makes `name` and `<name>Input`; `about` describes every field and names the types of nested ones and of enums. */
export function configTypes<S extends z.ZodType<object, object>>(
  name: string,
  description: string,
  schema: S,
  about: Record<keyof z.input<S> & string, About>,
): ConfigTypes {
  const { properties, required = [] } = z.toJSONSchema(schema, { io: 'input' }) as {
    properties: Record<string, Property>;
    required?: string[];
  };
  const output: ClassType = class {};
  const input: ClassType = class {};
  for (const [key, entry] of Object.entries<About>(about)) {
    const property = properties[key];
    if (property === undefined) throw new Error(`${name} has no field ${key}.`);
    const text = typeof entry === 'string' ? entry : entry.about;
    const typeOf = (side: keyof ConfigTypes) => () => {
      const type =
        typeof entry === 'string' || 'filled' in entry
          ? scalarOf(property)
          : isConfigTypes(entry.type)
            ? entry.type[side]
            : entry.type;
      return property.type === 'array' ? [type] : type;
    };
    // Without a default of its own, a field is there in some variants and not in others.
    const filled = typeof entry === 'object' && 'filled' in entry;
    const nullable = property.default === undefined && !required.includes(key) && !filled;
    Field(typeOf('output'), { description: text, nullable })(output.prototype, key);
    Field(typeOf('input'), {
      description: `${text}${limitsOf(filled ? { ...property, default: undefined } : property)}`,
      nullable: !required.includes(key),
    })(input.prototype, key);
  }
  ObjectType(name, { description, simpleResolvers: true })(output);
  const isOptional = Object.keys(about).some((key) => !required.includes(key));
  InputType(`${name}Input`, {
    description: isOptional ? `${description} What is left out takes its default.` : description,
  })(input);
  return { output, input };
}

const isConfigTypes = (type: ConfigTypes | EnumType): type is ConfigTypes => typeof type.output === 'function';

function scalarOf(property: Property): typeof Int | typeof Float | BooleanConstructor | StringConstructor {
  if (property.type === 'array' && property.items) return scalarOf(property.items);
  if (property.anyOf?.every((option) => Number.isInteger(option.const))) return Int;
  switch (property.type) {
    case 'integer':
      return Int;
    case 'number':
      return Float;
    case 'boolean':
      return Boolean;
    default:
      return String;
  }
}

function limitsOf(property: Property): string {
  const parts = [];
  const maximum = property.maximum === Number.MAX_SAFE_INTEGER ? undefined : property.maximum;
  if (property.anyOf) parts.push(property.anyOf.map((option) => option.const).join(' or '));
  if (property.minimum !== undefined) parts.push(`at least ${property.minimum}`);
  if (property.exclusiveMinimum !== undefined) parts.push(`more than ${property.exclusiveMinimum}`);
  if (maximum !== undefined) parts.push(`at most ${maximum}`);
  if (property.default !== undefined && !isEmptyObject(property.default)) {
    parts.push(`default ${JSON.stringify(property.default)}`);
  }
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
