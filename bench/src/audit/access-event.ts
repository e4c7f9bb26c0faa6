import type { AuditEventInput } from '@countersign/core';

let count = 0;

/** An allowed access, as the guard records it; no two patients in a row are the same. */
export function accessEvent(): AuditEventInput {
  count += 1;
  return {
    code: 'ACCESS_ALLOWED',
    outcome: 'success',
    workspaceId: 'clinic',
    userId: 'u1',
    actorId: null,
    session: 'kQ2vTnC0wYdXrJm4Zb8u1A',
    patientId: `p${count % 5000}`,
    categories: '5',
    action: 'view',
    method: 'GET',
    route: '/visits/:id',
    factor: 'totp',
    reason: 'proof',
    challengeId: null,
    emergencyAccessId: null,
    ip: '127.0.0.1',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    requestId: `req-${count.toString(36)}`,
    details: null,
  };
}
