import { CountersignError } from '@countersign/core';
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { Database, Session } from './database.ts';
import { JOBS_SCHEMA } from './outbox/job-queue.ts';

/** A right on a table, as PostgreSQL names it. */
export type Right = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';

interface Grant {
  readonly rights: readonly Right[];
  /** Columns that may be updated, and no others. */
  readonly updates?: readonly string[];
  readonly tables: readonly string[];
}

/** What the application's role may do, and no more: audit events can be added and read, streams ended, never rewritten. */
export const applicationGrants: readonly Grant[] = [
  { rights: ['SELECT'], tables: ['migrations', 'audit_archive'] },
  {
    rights: ['SELECT', 'INSERT'],
    tables: [
      'audit_event',
      'audit_seal',
      'audit_seal_range',
      'audit_node',
      'emergency_access',
      'emergency_access_step',
    ],
  },
  { rights: ['SELECT', 'INSERT'], updates: ['ended_by', 'ended_at'], tables: ['audit_stream'] },
  {
    rights: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    tables: ['factor', 'settings_proposal', 'session_state'],
  },
  // TRUNCATE: a clock that was set back drops every proof at once.
  { rights: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'], tables: ['session_proof'] },
  { rights: ['SELECT', 'INSERT', 'UPDATE'], tables: ['factor_attempts', 'settings', 'epoch', 'ended_session'] },
];

/** The same in the schema of the outbox: jobs come and go, what they are made of stays. */
export const outboxGrants: readonly Grant[] = [
  { rights: ['SELECT'], tables: ['version', 'queue'] },
  { rights: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'], tables: ['job'] },
  { rights: ['SELECT', 'INSERT', 'DELETE'], tables: ['archive'] },
];

/** Gives the role exactly these rights, taking away any others it had in our schema. Repeatable. */
export async function grantRights(database: Database, roleName: string): Promise<void> {
  await assertGrantable(database, roleName);
  const role = sql.identifier(roleName);
  const connection = await database.connect();
  try {
    await connection.transaction(async (session) => {
      await grantIn(session, 'countersign', applicationGrants, role);
      const [outbox] = await session.rows<{ there: boolean }>(
        sql`select to_regnamespace(${JOBS_SCHEMA}) is not null as there`,
      );
      // Made by `migrate`, or where a store with an outbox first came by.
      if (outbox?.there === true) await grantIn(session, JOBS_SCHEMA, outboxGrants, role);
    });
  } finally {
    await connection.close();
  }
}

async function grantIn(
  session: Session,
  schemaName: string,
  grants: readonly Grant[],
  role: SQLWrapper,
): Promise<void> {
  const schema = sql.identifier(schemaName);
  await session.rows(sql`revoke all on all tables in schema ${schema} from public, ${role}`);
  await session.rows(sql`revoke all on schema ${schema} from public, ${role}`);
  await session.rows(sql`grant usage on schema ${schema} to ${role}`);
  for (const grant of grants) await session.rows(sql`grant ${granted(grant, schema)} to ${role}`);
}

function granted({ rights, updates, tables }: Grant, schema: SQLWrapper): SQL {
  const columns = updates?.map((name) => sql.identifier(name));
  const all = [
    ...rights.map((right) => sql.raw(right)),
    ...(columns === undefined ? [] : [sql`UPDATE (${sql.join(columns, sql`, `)})`]),
  ];
  const named = tables.map((name) => sql`${schema}.${sql.identifier(name)}`);
  return sql`${sql.join(all, sql`, `)} on ${sql.join(named, sql`, `)}`;
}

async function assertGrantable(database: Database, name: string): Promise<void> {
  const refuse = (detail: string, cure: string) =>
    new CountersignError('configuration_invalid', { field: 'applicationRole', detail, cure });
  // An identifier of PostgreSQL: at most 63 bytes, and longer ones are cut silently, into the name of another role.
  if (typeof name !== 'string' || name === '' || name.includes('\0') || Buffer.byteLength(name) > 63) {
    throw refuse('applicationRole is not the name of a role.', 'Give the name as CREATE ROLE had it, without quotes.');
  }
  const [role] = await database.rows<{ powerful: boolean }>(sql`
    select rolsuper or exists (
      select from pg_catalog.pg_class
      where relnamespace = 'countersign'::regnamespace and relkind in ('r', 'p') and pg_has_role(pg_roles.oid, relowner, 'MEMBER')
    ) as powerful
    from pg_catalog.pg_roles where rolname = ${name}`);
  if (role === undefined)
    throw refuse('There is no role of this name.', 'Create it first: CREATE ROLE … LOGIN PASSWORD ….');
  if (role.powerful) {
    throw refuse(
      'This role owns the audit log, or is a superuser, and could rewrite it whatever it is granted.',
      'Let one role own the schema and migrate, and the application connect as another.',
    );
  }
}
