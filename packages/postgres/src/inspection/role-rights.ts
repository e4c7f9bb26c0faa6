import { sql } from 'drizzle-orm';
import { applicationGrants, outboxGrants } from '../application-role.ts';
import type { Session } from '../database.ts';
import { JOBS_SCHEMA } from '../outbox/job-queue.ts';

/** What a role may do in our schema, beside what it should. */
export interface RoleRights {
  readonly role: string;
  readonly exists: boolean;
  /** Why it could rewrite the log whatever it is granted. */
  readonly powers: readonly ('superuser' | 'owner' | 'create-role' | 'write-all-data' | 'server-programs')[];
  /** Rights that the application needs and this role lacks, such as `INSERT on audit_event`. */
  readonly missing: readonly string[];
  /** Rights that it has and the application does not need. */
  readonly excess: readonly { readonly right: string; readonly table: string }[];
}

const rights = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER'] as const;

interface Powers {
  readonly superuser: boolean;
  readonly createrole: boolean;
  readonly owner: boolean;
  readonly writer: boolean;
  readonly programs: boolean;
}

/** `name` null: the role of this connection. */
export async function readRights(session: Session, name: string | null): Promise<RoleRights> {
  const [current] = await session.rows<{ name: string }>(sql`select current_user::text as name`);
  const role = name ?? current?.name ?? '';
  // MEMBER, not USAGE: what a role can become by SET ROLE counts as well.
  const [found] = await session.rows<Powers>(sql`
    select rolsuper as superuser, rolcreaterole as createrole, exists (
      select from pg_catalog.pg_class
      where relnamespace = to_regnamespace('countersign') and relkind in ('r', 'p') and pg_has_role(pg_roles.oid, relowner, 'MEMBER')
    ) as owner, pg_has_role(pg_roles.oid, 'pg_write_all_data', 'MEMBER') as writer,
      pg_has_role(pg_roles.oid, 'pg_execute_server_program', 'MEMBER')
        or pg_has_role(pg_roles.oid, 'pg_write_server_files', 'MEMBER') as programs
    from pg_catalog.pg_roles where rolname = ${role}`);
  if (found === undefined) return { role, exists: false, powers: [], missing: [], excess: [] };

  const { held, tables: there } = await heldRights(session, role);
  const wanted = new Set<string>();
  const schemas = [
    { prefix: '', grants: applicationGrants },
    { prefix: `${JOBS_SCHEMA}.`, grants: outboxGrants },
  ];
  for (const { prefix, grants } of schemas) {
    for (const { rights: given, updates = [], tables } of grants) {
      // What is not there yet is told as a pending migration.
      for (const table of tables.map((name) => `${prefix}${name}`).filter((name) => there.has(name))) {
        for (const right of given) wanted.add(`${right} on ${table}`);
        for (const column of updates) wanted.add(`UPDATE (${column}) on ${table}`);
      }
    }
  }
  return {
    role,
    exists: true,
    powers: [
      ...(found.superuser ? (['superuser'] as const) : []),
      ...(found.owner && !found.superuser ? (['owner'] as const) : []),
      ...(found.createrole && !found.superuser ? (['create-role'] as const) : []),
      ...(found.writer && !found.superuser ? (['write-all-data'] as const) : []),
      ...(found.programs && !found.superuser ? (['server-programs'] as const) : []),
    ],
    missing: [...wanted].filter((right) => !held.has(right)),
    excess: [...held]
      .filter((right) => !wanted.has(right))
      .map((text) => ({ right: text.split(' on ')[0] ?? '', table: text.split(' on ')[1] ?? '' })),
  };
}

/** Of the table as a whole, and UPDATE of single columns where it is not held for all of them. */
async function heldRights(
  session: Session,
  role: string,
): Promise<{ readonly held: ReadonlySet<string>; readonly tables: ReadonlySet<string> }> {
  const kinds = sql.join(
    rights.map((right) => sql`(${right}::text)`),
    sql`, `,
  );
  const rows = await session.rows<{ relation: string; right: string | null }>(sql`
    with ours as (
      select pg_class.oid, case nspname when 'countersign' then relname::text else nspname || '.' || relname end as relation
      from pg_catalog.pg_class join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
      where nspname in ('countersign', ${JOBS_SCHEMA}) and relkind in ('r', 'p')
    )
    select relation, null as right from ours
    union all
    select relation, kind from ours, (values ${kinds}) as kinds (kind) where has_table_privilege(${role}::name, oid, kind)
    union all
    select relation, 'UPDATE (' || attname || ')' from ours
    join pg_catalog.pg_attribute on attrelid = oid and attnum > 0 and not attisdropped
    where not has_table_privilege(${role}::name, oid, 'UPDATE') and has_column_privilege(${role}::name, oid, attnum, 'UPDATE')`);
  return {
    held: new Set(rows.flatMap(({ relation, right }) => (right === null ? [] : [`${right} on ${relation}`]))),
    tables: new Set(rows.map(({ relation }) => relation)),
  };
}
