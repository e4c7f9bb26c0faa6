import { defineConfig } from 'drizzle-kit';

/** `npx drizzle-kit generate --name <what changed>` writes the next migration from src/schema.ts; see migrations/README.md. */
export default defineConfig({ dialect: 'postgresql', schema: './src/schema.ts', out: './migrations' });
