// Requests to the service. The API key lives in this module's memory and nowhere else.

let key = "";

export const useKey = (text) => {
  key = text.trim();
};
export const hasKey = () => key !== "";

// A request that the service refused: the one shape of its errors.
export class Refusal extends Error {
  constructor(status, body, after) {
    super(body.en || `HTTP ${status}`);
    this.status = status;
    this.code = body.code || "";
    this.en = this.message;
    this.zh = body.zh || this.message;
    this.faults = Array.isArray(body.errors) ? body.errors : [];
    this.requestId = body.request_id || "";
    this.after = after;
  }
}

const headers = (more = {}) => (key ? { ...more, authorization: `Bearer ${key}` } : more);

async function answered(path, init) {
  let reply;
  try {
    reply = await fetch(path, { ...init, credentials: "omit", redirect: "error" });
  } catch {
    throw new Refusal(0, { en: "no_connection" }, 0);
  }
  if (reply.ok) return reply;
  const body = await reply.json().catch(() => ({}));
  throw new Refusal(reply.status, body, Number(reply.headers.get("retry-after")) || 1);
}

export const get = async (path) => (await answered(path, { headers: headers() })).json();

export const getFile = async (path) => (await answered(path, { headers: headers() })).blob();

export const post = async (path, body) =>
  (
    await answered(path, {
      method: "POST",
      headers: headers({ "content-type": "application/json" }),
      body: typeof body === "string" ? body : JSON.stringify(body),
    })
  ).json();

export const postFile = async (path, file) =>
  (
    await answered(path, {
      method: "POST",
      headers: headers({ "content-type": "application/octet-stream" }),
      body: file,
    })
  ).json();
