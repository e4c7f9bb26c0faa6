/** Looks again and again until something holds; throws after `seconds`. For what another process does in its own time. */
export async function until(holds: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`It did not come true within ${seconds} s.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
