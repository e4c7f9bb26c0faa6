import pg from 'pg';
import type { SignedIn, Visit } from './visits.ts';

/** A step-up check as hosts write it: one row per session and patient, asked on each request, and one row per access. */
export interface HomeMadeCheck {
  isFresh(sessionId: string, userId: string, patientId: string): Promise<boolean>;
  passed(sessionId: string, userId: string, patientId: string): Promise<void>;
  record(user: SignedIn, visit: Visit, method: string, ip: string, userAgent: string | null): Promise<void>;
}

/** As good as such code gets: a pool, prepared statements, an index for each question. */
export async function homeMadeCheck(databaseUrl: string): Promise<HomeMadeCheck> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  await pool.query(`
    create table step_up (
      session_id text, user_id text, patient_id text, verified_at timestamptz not null,
      primary key (session_id, user_id, patient_id)
    );
    create table access_log (
      id bigint generated always as identity primary key, at timestamptz not null default now(),
      workspace_id text, user_id text, patient_id text, category text, action text, method text, outcome text, ip text, user_agent text
    );
    create index on access_log (patient_id, at);
    create index on access_log (workspace_id, at);
  `);
  return {
    async isFresh(sessionId, userId, patientId) {
      const found = await pool.query({
        name: 'fresh',
        text: `select verified_at from step_up where session_id = $1 and user_id = $2 and patient_id = $3
          and verified_at > now() - interval '4 hours'`,
        values: [sessionId, userId, patientId],
      });
      return found.rowCount === 1;
    },
    async passed(sessionId, userId, patientId) {
      await pool.query('insert into step_up values ($1, $2, $3, now())', [sessionId, userId, patientId]);
    },
    async record(user, visit, method, ip, userAgent) {
      await pool.query({
        name: 'record',
        text: `insert into access_log (workspace_id, user_id, patient_id, category, action, method, outcome, ip, user_agent)
          values ($1, $2, $3, $4, 'view', $5, 'success', $6, $7)`,
        values: [user.workspaceId, user.userId, visit.patientId, visit.category, method, ip, userAgent],
      });
    },
  };
}
