import { use } from "../../use.mjs";

export const runtime = "nodejs";

export async function POST(request) {
  const token = await use(await request.json());
  return Response.json({ token, isEdge: typeof EdgeRuntime === "string" });
}
