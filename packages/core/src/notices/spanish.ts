import type { NoticeTexts } from './notice-texts.ts';

export const spanishNotices: NoticeTexts = {
  kinds: {
    'factor-enrolled': {
      subject: 'Se añadió un segundo factor a su cuenta',
      happened: 'Se añadió un segundo factor a su cuenta: {factor}.',
    },
    'factor-removed': {
      subject: 'Se eliminó un segundo factor de su cuenta',
      happened: 'Se eliminó un segundo factor de su cuenta: {factor}.',
    },
    'factor-renamed': {
      subject: 'Se cambió el nombre de un segundo factor de su cuenta',
      happened: 'Se cambió el nombre de un segundo factor de su cuenta: {factor}.',
    },
    'factor-reset': {
      subject: 'Se restableció un segundo factor de su cuenta',
      happened: 'Se restableció un segundo factor de su cuenta: {factor}. Ya no funciona; puede registrarlo de nuevo.',
    },
    'factor-locked': {
      subject: 'Un segundo factor de su cuenta está bloqueado por un tiempo',
      happened:
        'Hubo demasiadas respuestas incorrectas con un segundo factor de su cuenta: {factor}. Está bloqueado por un tiempo.',
    },
    'factor-disabled': {
      subject: 'Se desactivó un segundo factor de su cuenta',
      happened:
        'Hubo demasiadas respuestas incorrectas seguidas con un segundo factor de su cuenta: {factor}. Se desactivó. Un administrador puede restablecerlo.',
    },
    'recovery-codes-made': {
      subject: 'Se crearon códigos de recuperación para su cuenta',
      happened: 'Se crearon códigos de recuperación para su cuenta. Los anteriores ya no funcionan.',
    },
    'recovery-code-used': {
      subject: 'Se usó un código de recuperación de su cuenta',
      happened: 'Se usó un código de recuperación de su cuenta. Códigos restantes: {remaining}.',
    },
    'enrolment-code-issued': {
      subject: 'Se emitió un código de registro para su cuenta',
      happened:
        'Un administrador emitió un código de un solo uso con el que se puede añadir un segundo factor a su cuenta. Se entrega en persona, nunca por correo.',
    },
    'settings-changed': {
      subject: 'Se cambió la configuración de la verificación adicional',
      happened: 'Se cambió la configuración de la verificación adicional de su espacio de trabajo.',
    },
    'settings-proposed': {
      subject: 'Un cambio de configuración espera aprobación',
      happened:
        'Se propuso un cambio de la configuración de la verificación adicional de su espacio de trabajo. Espera a otro administrador.',
    },
    'settings-proposal-decided': {
      subject: 'Se decidió sobre un cambio de configuración propuesto',
      happened:
        'Se decidió sobre el cambio propuesto de la configuración de la verificación adicional de su espacio de trabajo.',
    },
  },
  factors: {
    totp: 'aplicación de autenticación',
    passkey: 'llave de acceso',
    'recovery-codes': 'códigos de recuperación',
    'identity-provider': 'confirmación en su proveedor de identidad',
  },
  otherFactor: 'otro tipo ({factor})',
  greeting: 'Hola:',
  where: 'Dónde: {host}',
  when: 'Cuándo: {at}',
  byAdministrator: 'Por: un administrador',
  byUser: 'Por: {user}',
  notYou:
    'Si fue usted, no tiene que hacer nada. Si no fue usted, avise a un administrador de inmediato y cierre todas sus sesiones.',
  notExpected: 'Si no lo esperaba, revise el registro de auditoría y hable con el administrador que lo hizo.',
  emergency: {
    happened: {
      started: '{user} inició un acceso de emergencia.',
      reopened: '{user} inició de nuevo un acceso de emergencia para el mismo paciente. Espera revisión como elevado.',
      requested:
        '{user} solicita un acceso de emergencia más allá del número habitual de veces. Una segunda persona autorizada debe aprobarlo.',
      approved: '{by} aprobó el acceso de emergencia de {user}, que ya comenzó.',
      overdue: 'La revisión de un acceso de emergencia de {user} está atrasada.',
      gathered: '{user} inició accesos de emergencia {count} veces más en un cuarto de hora.',
    },
    subject: 'Acceso de emergencia',
    subjectOverdue: 'La revisión de un acceso de emergencia está atrasada',
    purposes: {
      clinical: 'clínico (la historia de un paciente)',
      administrative: 'administrativo (sus propios segundos factores)',
    },
    purpose: 'Finalidad: {purpose}',
    from: 'Desde: {at}',
    until: 'Hasta: {at}',
    review: 'Revíselo, por favor: inicie sesión como siempre y abra las revisiones de accesos de emergencia.',
    approve: 'Para aprobarlo o rechazarlo, inicie sesión como siempre y abra el acceso de emergencia.',
    sms: '{host}: {happened} {when} {todo}',
    smsReview: 'Revíselo allí, por favor.',
    smsApprove: 'Decida allí, por favor.',
  },
};
