import type { Sql } from 'postgres';

/** What the log of the growth bench is about; the events that are measured are drawn from the same. */
export const clinics = { workspaces: 20, usersEach: 50, patientsEach: 5_000 } as const;

/** Events of one process, from its start to the next. */
const STREAM_LENGTH = 250_000;
const CHUNK = 1_000_000;

/**
 * Fills `audit_event` with accesses of a year, in the order of time: what a database looks like that has grown. The hashes are no
 * chain. The index by patient is the only one whose insertions are spread over all of it: it is made afterwards, which takes a
 * fraction of the time, as full as such a tree is that grew (about 70 %).
 */
export async function fillLog(sql: Sql, rows: number): Promise<void> {
  const [found] = await sql<{ definition: string }[]>`
    select pg_get_indexdef(to_regclass('countersign.audit_event_patient')) as definition`;
  const definition = found?.definition;
  if (definition === undefined || definition === null) throw new Error('The index by patient has another name.');
  await sql.unsafe('drop index countersign.audit_event_patient');
  await sql.unsafe('set synchronous_commit = off');
  for (let from = 0; from < rows; from += CHUNK) {
    await sql.unsafe(chunk(from, Math.min(from + CHUNK, rows), rows));
    process.stderr.write(`growth: ${Math.min(from + CHUNK, rows)} of ${rows} rows \r`);
  }
  await sql.unsafe('reset synchronous_commit');
  await sql.unsafe(definition.replace(/( WHERE |$)/, ' WITH (fillfactor = 70)$1'));
  await sql.unsafe('vacuum (analyze) countersign.audit_event');
}

/** Random draws differ from row to row because they are of the outer query, not of a sub-query without reference to it. */
const chunk = (from: number, until: number, rows: number): string => `
  insert into countersign.audit_event (
    stream, "index", id, at, code, outcome, workspace_id, user_id, session, patient_id, categories, action, method, route, factor,
    reason, ip, user_agent, request_id, hash
  )
  select
    md5('stream ' || n / ${STREAM_LENGTH})::uuid,
    n % ${STREAM_LENGTH},
    -- As ids of version 7: milliseconds first.
    (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid,
    at,
    case when n % 40 = 0 then 'MFA_REQUIRED' when n % 40 = 1 then 'MFA_SUCCESS' else 'ACCESS_ALLOWED' end,
    case when n % 40 = 0 then 'refused' else 'success' end,
    'clinic-' || clinic,
    'user-' || clinic || '-' || floor(random() * ${clinics.usersEach}),
    substr(md5((n / 200)::text), 1, 22),
    'patient-' || clinic || '-' || floor(random() * ${clinics.patientsEach}),
    '5', 'view', 'GET', '/visits/:id', 'totp', 'proof', '127.0.0.1',
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'req-' || to_hex(n),
    sha256(n::text::bytea)
  from (
    select n, floor(random() * ${clinics.workspaces})::int as clinic,
      date_trunc('milliseconds', now() - interval '1 year' * (1 - (n + 1)::float8 / ${rows + 1})) as at
    from generate_series(${from}::bigint, ${until - 1}::bigint) as n
  ) as drawn`;
