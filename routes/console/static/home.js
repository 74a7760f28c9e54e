// The first page: hand in a photo, watch what Imago finds out. It uses the public API only.

const $ = (id) => document.getElementById(id);
const keyInput = $("key");
const message = $("message");

keyInput.value = sessionStorage.getItem("imago-key") ?? "";

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("imago-key", keyInput.value.trim());
  say("The key is set: drop a photo.");
});
$("file").addEventListener("change", (event) => send(event.target.files));
const drop = $("drop");
for (const type of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", type === "dragover");
    if (type === "drop") send(event.dataTransfer.files);
  });
}
document.addEventListener("paste", (event) => send(event.clipboardData.files));

async function send(files) {
  for (const file of files) {
    try {
      await follow(await upload(file));
    } catch (error) {
      say(`${file.name}: ${error.message}`, true);
    }
  }
}

async function upload(file) {
  say(`Sending ${file.name}…`);
  const body = new FormData();
  body.append("file", file);
  return await api("/images/upload", { method: "POST", body });
}

/** Shows an image and its steps until it is settled. */
async function follow({ id, original_name }) {
  say(`${original_name} is taken in.`);
  const card = document.createElement("article");
  $("results").prepend(card);
  for (let settled = false; !settled;) {
    const image = await api(`/images/${id}`);
    card.replaceChildren(...view(image));
    settled = image.done_at !== null;
    if (!settled) await api(`/images/${id}/status?wait=30`);
  }
}

async function api(path, options = {}) {
  const headers = { "X-API-Key": keyInput.value.trim() };
  const response = await fetch(path, { ...options, headers });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

function view(image) {
  const picture = element("div", {});
  if (image.thumbnail_url) {
    const { pathname } = new URL(image.thumbnail_url);
    picture.append(element("img", { src: pathname, alt: image.caption ?? image.original_name }));
  }
  const steps = element("ul", { className: "steps" });
  for (const [name, { state, reason }] of Object.entries(image.steps)) {
    const item = element("li", { title: reason ?? "", textContent: `${name}: ${state}` });
    item.dataset.state = state;
    steps.append(item);
  }
  const facts = element("div", {});
  facts.append(
    element("h2", { textContent: image.original_name }),
    element("p", { textContent: `${image.width} × ${image.height} · ${image.status}` }),
    steps,
    factsOf(image),
  );
  return [picture, facts];
}

function factsOf({ exif, ocr, ai, tags }) {
  const camera = exif?.camera;
  const rows = {
    Camera: [camera?.make, camera?.model, camera?.lens].filter(Boolean).join(" "),
    Exposure: [
      camera?.aperture,
      camera?.shutter_speed,
      camera?.focal_length,
      camera?.iso && `ISO ${camera.iso}`,
    ]
      .filter(Boolean).join(" "),
    Taken: camera?.taken_at?.replace("T", " "),
    Text: ocr?.has_text ? ocr.text : "",
    Description: ai?.description,
    Tags: tags.join(", "),
  };
  const list = element("dl", {});
  for (const [term, value] of Object.entries(rows)) {
    if (value) {
      list.append(element("dt", { textContent: term }), element("dd", { textContent: value }));
    }
  }
  if (exif?.gps.has_gps) {
    const { latitude, longitude, maps_url } = exif.gps;
    const place = element("dd", {});
    const href = { href: maps_url, rel: "noreferrer", textContent: `${latitude}, ${longitude}` };
    place.append(element("a", href));
    list.append(element("dt", { textContent: "Place" }), place);
  }
  return list;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function say(text, bad = false) {
  message.textContent = text;
  message.classList.toggle("bad", bad);
}
