/** The `details` of an event as a value; null where there are none, or none that can be read. */
export function parseDetails(details: string | null): unknown {
  try {
    return details === null ? null : JSON.parse(details);
  } catch {
    return null;
  }
}
