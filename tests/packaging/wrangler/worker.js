import { use } from "./use.mjs";

export default {
  async fetch(request) {
    return request.method === "POST" ? new Response(await use(await request.json())) : new Response(null);
  },
};
