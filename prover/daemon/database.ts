import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { fromPglite, PgBoss } from "pg-boss";

/** Job queue and plain SQL over one Postgres. */
export type Database = {
  boss: PgBoss;
  query<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
};

/** Short, so that jobs whose worker died come back soon. */
const INTERVALS = { superviseIntervalSeconds: 2, monitorIntervalSeconds: 2 };

/** The Postgres of `DATABASE_URL`, or one embedded in the data directory. */
export async function openDatabase(dataDir: string): Promise<Database> {
  const url = process.env.DATABASE_URL;
  const embedded = url ? undefined : await PGlite.create(join(dataDir, "postgres"));
  const boss = new PgBoss(
    embedded ? { db: fromPglite(embedded), backend: "pglite", ...INTERVALS } : { connectionString: url!, ...INTERVALS },
  );
  boss.on("error", (error) => console.error(`database: ${error.message}`));
  await boss.start();
  const db = boss.getDb();
  return {
    boss,
    query: async <Row>(text: string, values?: unknown[]) => (await db.executeSql(text, values)).rows as Row[],
    async close() {
      await boss.stop({ graceful: true, timeout: 10_000 });
      await embedded?.close();
    },
  };
}
