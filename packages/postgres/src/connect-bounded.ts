import type { BoundedCalls } from './bounded-calls.ts';
import type { Connection, Database } from './database.ts';

/** A connection of its own, within the bound of a call. One that comes too late is closed. */
export async function connectBounded(database: Database, calls: BoundedCalls): Promise<Connection> {
  let late = false;
  try {
    return await calls.run(async () => {
      const connection = await database.connect();
      if (late) await connection.close();
      return connection;
    });
  } catch (error) {
    late = true;
    throw error;
  }
}
