/** Writes instants for people, in one language and zone. Made once per page, since a formatter costs more than a date. */
export function instantFormatter(lang: string, timeZone = 'UTC', seconds = false): (at: Date) => string {
  const formatter = new Intl.DateTimeFormat(lang, {
    dateStyle: 'medium',
    timeStyle: seconds ? 'medium' : 'short',
    timeZone,
  });
  return (at) => (Number.isNaN(at.getTime()) ? '–' : formatter.format(at));
}
