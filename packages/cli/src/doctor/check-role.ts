import type { RoleRights } from '@countersign/postgres';
import type { Check } from './examination.ts';
import { type Finding, fault, notAsked, warning, well } from './finding.ts';

const TWO_ROLES =
  'Let one role own the schema and migrate, and the application connect as another; name that one with --application-role.';

const powers: Readonly<Record<RoleRights['powers'][number], string>> = {
  superuser: 'is a superuser',
  owner: 'owns the log, or can become the role that does',
  'create-role': 'can make roles, and on servers before PostgreSQL 16 make itself a member of the owner',
  'write-all-data': 'is a member of pg_write_all_data',
  'server-programs': 'can run programs or write files on the server, and so become its superuser',
};

/** Rights by which the log could be rewritten or switched off. */
const rewriting = /^(UPDATE|DELETE|TRUNCATE|TRIGGER)/;
const ofTheLog = /^(audit_|emergency_access)/;

/** What the application's role could do to the log. */
export const roleCheck: Check = {
  subject: 'Application role',
  async look({ inspection, applicationRole }) {
    if (!inspection.shared) return [notAsked('The embedded database has one role.', 'Use a server in production.')];
    const { role, exists, powers: held, missing, excess } = await inspection.rights(applicationRole);
    if (!exists) return [fault(`There is no role ${role}.`, 'Give the name as CREATE ROLE had it.')];
    const grant = `Run: countersign migrate --application-role ${role}, as the owner.`;
    const findings: Finding[] = held.map((power) =>
      fault(`${role} ${powers[power]}: whoever has the application’s password can rewrite the log.`, TWO_ROLES),
    );
    // What a superuser or an owner holds says nothing of what was granted.
    if (held.includes('superuser') || held.includes('owner')) return findings;
    for (const { right, table } of excess) {
      const says = `${role} has ${right} on ${table}, which the application does not need.`;
      findings.push(ofTheLog.test(table) && rewriting.test(right) ? fault(says, grant) : warning(says, grant));
    }
    if (missing.length > 0)
      findings.push(fault(`${role} lacks what the application needs: ${missing.join(', ')}.`, grant));
    return findings.length > 0
      ? findings
      : [well(`${role} can add to the log and read it, and do nothing else to it.`)];
  },
};
