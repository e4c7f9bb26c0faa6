import { z } from 'zod';

/** A JSON Schema of dialect 2020-12, as OpenAPI 3.1 takes them. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Direction = 'input' | 'output';
type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>;

const PREFIX = '#/components/schemas/';

/** Zod schemas by name, each written once and referred to wherever it is used: those of requests, or those of replies. */
export class ComponentSchemas {
  readonly #registry = z.registry<{ id: string }>();
  readonly #direction: Direction;

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  /** Names a schema, and refers to it. One that has a name keeps it. */
  add(schema: z.ZodType, name: string): JsonSchema {
    const id = this.#registry.get(schema)?.id ?? name;
    if (id === name) this.#registry.add(schema, { id });
    return { $ref: `${PREFIX}${id}` };
  }

  /** All of them, by name. */
  written(): Record<string, JsonSchema> {
    const { schemas } = z.toJSONSchema(this.#registry, {
      uri: (id) => `${PREFIX}${id}`,
      ...writing(this.#direction),
    });
    return Object.fromEntries(
      Object.entries(schemas).map(([name, { $schema: _dialect, $id: _place, ...schema }]) => [name, schema]),
    );
  }
}

/** One schema in place. */
export function inlineSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...written } = z.toJSONSchema(schema, writing('input'));
  return written;
}

const writing = (io: Direction) => ({ io, unrepresentable: 'any', override: plainer(io) }) as const;

const plainer =
  (io: Direction): Override =>
  ({ jsonSchema }) => {
    // What the format says need not be said by a long pattern as well.
    if (jsonSchema.format === 'date-time' || jsonSchema.format === 'uuid') delete jsonSchema.pattern;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    // A later release may tell more: clients must not be generated to refuse that.
    if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  };
