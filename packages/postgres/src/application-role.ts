import { CountersignError } from '@countersign/core';
import { type SQL, sql } from 'drizzle-orm';
import type { Database } from './database.ts';

/** What the application's role may do, and no more: audit events can be added and read, streams ended, never rewritten. */
const grants: readonly SQL[] = [
  sql`select on countersign.migrations`,
  sql`select, insert on countersign.audit_event`,
  sql`select, insert on countersign.audit_seal, countersign.audit_seal_range, countersign.audit_node`,
  sql`select on countersign.audit_archive`,
  sql`select, insert on countersign.emergency_access, countersign.emergency_access_step`,
  sql`select, insert, update (ended_by, ended_at) on countersign.audit_stream`,
  sql`select, insert, update, delete on countersign.factor, countersign.settings_proposal`,
  sql`select, insert, update, delete on countersign.session_state`,
  // TRUNCATE: a clock that was set back drops every proof at once.
  sql`select, insert, update, delete, truncate on countersign.session_proof`,
  sql`select, insert, update on countersign.factor_attempts, countersign.settings, countersign.epoch, countersign.ended_session`,
];

/** Gives the role exactly these rights, taking away any others it had in our schema. Repeatable. */
export async function grantRights(database: Database, roleName: string): Promise<void> {
  await assertGrantable(database, roleName);
  const role = sql.identifier(roleName);
  const connection = await database.connect();
  try {
    await connection.transaction(async (session) => {
      await session.rows(sql`revoke all on all tables in schema countersign from public, ${role}`);
      await session.rows(sql`revoke all on schema countersign from public, ${role}`);
      await session.rows(sql`grant usage on schema countersign to ${role}`);
      for (const rights of grants) await session.rows(sql`grant ${rights} to ${role}`);
    });
  } finally {
    await connection.close();
  }
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
