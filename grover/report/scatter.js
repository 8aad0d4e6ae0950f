// The interactive scatter of the report. Points are drawn into the pixels of a canvas, so that 50,000 of them follow the
// pointer; everything else is ordinary elements. The page works without it, and it asks nothing of a network.
(() => {
"use strict";

const OPACITY = 0.85;
const REACH = 12;          // pixels around the pointer in which a point is found
const FARTHEST = 60;       // times the fitted view
const CELL_BITS = 9;       // the grid in which points are looked up: 128 x 128 cells of 512 x 512 units
const CELLS = 65536 >> CELL_BITS;
const MISSING = 255;
const ABSENT = 65535;      // code of a point that has no place in a plane
const EDGE = 12;           // pixels around the points of a fitted view
const LEFT = 58, BELOW = 38;  // pixels that the scales take

function unpack(text, Type) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return new Type(bytes.buffer);
}

function rgb(hex) {
  const number = parseInt(hex.trim().slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

// points are drawn in a random order (always the same), so that what covers what says nothing
function shuffled(count) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let seed = 1;
  for (let i = count - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = Math.floor(seed / 4294967296 * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

// the points of each cell of the grid, end to end: those of cell c are order[first[c]] .. order[first[c + 1] - 1]
function grid(points) {
  const count = points.length / 2, first = new Uint32Array(CELLS * CELLS + 1), cell = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    if (points[2 * i] === ABSENT) continue;
    cell[i] = (points[2 * i + 1] >> CELL_BITS) * CELLS + (points[2 * i] >> CELL_BITS);
    first[cell[i] + 1]++;
  }
  for (let c = 0; c < CELLS * CELLS; c++) first[c + 1] += first[c];
  const next = first.slice(), order = new Uint32Array(count);
  for (let i = 0; i < count; i++) if (points[2 * i] !== ABSENT) order[next[cell[i]]++] = i;
  return { first, order };
}

function box(points) {
  let [left, right, low, high] = [65535, 0, 65535, 0];
  for (let i = 0; i < points.length; i += 2) {
    if (points[i] === ABSENT) continue;
    left = Math.min(left, points[i]); right = Math.max(right, points[i]);
    low = Math.min(low, points[i + 1]); high = Math.max(high, points[i + 1]);
  }
  return { x: (left + right) / 2, y: (low + high) / 2, width: Math.max(1, right - left), height: Math.max(1, high - low) };
}

// the pixels of a disc: offsets from its centre, and the share of each that it covers
function disc(radius) {
  const half = Math.ceil(radius), pixels = [];
  for (let y = -half; y <= half; y++) for (let x = -half; x <= half; x++) {
    const cover = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(x, y))) * OPACITY;
    if (cover > 0) pixels.push([x, y, cover]);
  }
  return { half, pixels };
}

// at most so many round values from low to high
function rounds(low, high, most) {
  const power = 10 ** Math.floor(Math.log10((high - low) / most));
  const step = [1, 2, 5, 10].map(each => each * power).find(each => (high - low) / each <= most) || 10 * power;
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) values.push(Number((k * step).toPrecision(6)));
  return values;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // an old browser, or one that keeps the clipboard from pages without a server
    const area = element("textarea", text, document.body);
    // in view, so that no browser scrolls to it
    Object.assign(area.style, { position: "fixed", top: "0", left: "0", opacity: "0" });
    area.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch { /* said to the reader */ }
    area.remove();
    return done;
  }
}

function start(root) {
  const find = name => root.querySelector(`.scatter-${name}`);
  const data = JSON.parse(root.querySelector("script").textContent);
  const canvas = root.querySelector("canvas"), context = canvas.getContext("2d");
  const tip = find("tip"), legend = find("legend"), status = find("status"), details = find("details");
  const placed = Boolean(data.chroms);
  const chrom = placed && unpack(data.chrom, Uint16Array), from = placed && unpack(data.start, Uint32Array);
  const to = placed && unpack(data.end, Uint32Array);
  const tracks = data.tracks.map(track => ({ ...track, codes: unpack(track.codes, Uint8Array) }));
  const shown = new Uint8Array(data.count), order = shuffled(data.count);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let embedding, track, only = null, selected = new Set();
  let view, shades, ramp, picture, width = 0, height = 0, waiting = false, changed = true, hovered = -1, picked = -1;
  root.dataset.points = data.count;

  // ---- what is known of a point
  const position = i => placed ? `${data.chroms[chrom[i]]}:${from[i] + 1}-${to[i]}` : data.names[i];
  function readable(i) {
    if (!placed) return data.names[i];
    const [first, last] = [from[i] + 1, to[i]].map(base => base.toLocaleString("en"));
    const place = `${data.chroms[chrom[i]]}:${first}` + (first === last ? "" : `\u2013${last}`);
    return data.names ? `${place} ${data.names[i]}` : place;
  }
  function value(track, i) {
    const code = track.codes[i];
    if (track.kind === "category") return track.names[code];
    return code === MISSING ? "no data" : String(Number(track.levels[code].toPrecision(3)));
  }

  // ---- colours
  function colour() {
    const none = rgb(getComputedStyle(root).getPropertyValue("--none"));
    // the darkest shades would not show on a dark page
    ramp = data.ramp.slice(dark.matches ? data.ramp.length / 4 : 0);
    if (track.kind === "category") {
      shades = track.names.map((name, code) => name === "none" ? none : rgb(track.colours[code]));
    } else {
      const [low, high] = track.limits, last = ramp.length - 1;
      const place = level => Math.min(last, Math.max(0, Math.round((level - low) / (high - low) * last)));
      shades = track.levels.map(level => rgb(ramp[place(level)]));
      shades[MISSING] = none;
    }
  }

  // ---- which points are shown, and how many of each category
  const here = i => !embedding || embedding.points[2 * i] !== ABSENT;

  function filter() {
    const counts = new Uint32Array(256);
    let total = 0;
    for (let i = 0; i < data.count; i++) {
      const passes = here(i) && (!only || only.track.codes[i] === only.code);
      counts[track.codes[i]] += passes;
      shown[i] = passes && (!selected.size || selected.has(track.codes[i]));
      total += shown[i];
    }
    root.dataset.shown = total;
    find("count").textContent = `${total.toLocaleString("en")} of ${data.count.toLocaleString("en")} ${data.noun}s shown`;
    legend.querySelectorAll("[data-code]").forEach(row => {
      row.querySelector("b").textContent = counts[row.dataset.code].toLocaleString("en");
      row.setAttribute("aria-pressed", selected.has(Number(row.dataset.code)));
    });
    find("all").disabled = !only && !selected.size;
    if (hovered >= 0 && !shown[hovered]) hover(-1);
    redraw();
  }

  function drawLegend() {
    legend.replaceChildren();
    if (track.kind === "quantity") {
      const bar = element("div", "", legend), ends = element("div", "", legend);
      bar.className = "scatter-ramp";
      bar.style.background = `linear-gradient(to right, ${ramp.join(",")})`;
      ends.className = "scatter-ends";
      track.limits.forEach(end => element("span", String(Number(end.toPrecision(3))), ends));
      element("p", "From the 1st to the 99th percentile; what lies beyond has the colour of the end.", legend);
      if (!track.codes.includes(MISSING)) return;
    }
    const rows = track.kind === "category" ? track.names.map((name, code) => [name, code]) : [["no data", MISSING]];
    for (const [name, code] of rows) {
      const row = element("button", "", legend);
      row.type = "button";
      row.dataset.code = code;
      row.title = name;
      element("i", "", row).style.background = `rgb(${shades[code]})`;
      element("span", name, row);
      element("b", "", row);
      row.addEventListener("click", () => {
        if (!selected.delete(code)) selected.add(code);
        filter();
      });
    }
  }

  // ---- drawing: the points where they have changed, else only the rings around some of them
  function redraw(points = true) {
    changed ||= points;
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }

  const scales = () => embedding.frame ? { left: LEFT, below: BELOW } : { left: 0, below: 0 };
  const fitted = () => {
    const { left, below } = scales();
    return Math.max(1e-9, Math.min((width - left - 2 * EDGE) / embedding.box.width, (height - below - 2 * EDGE) / embedding.box.height));
  };
  const size = () => Math.min(6, (2.9 - 0.55 * Math.log10(Math.max(1, data.count / 1000))) * (view.scale / fitted()) ** 0.3);

  function draw() {
    if (!width || !height) return;
    const began = performance.now(), ratio = devicePixelRatio || 1, style = getComputedStyle(root);
    const wide = Math.round(width * ratio), high = Math.round(height * ratio);
    if (canvas.width !== wide || canvas.height !== high) {
      [canvas.width, canvas.height] = [wide, high];
      changed = true;
    }
    if (changed) paint(wide, high, ratio, rgb(style.getPropertyValue("--card")));
    context.putImageData(picture, 0, 0);
    if (embedding.frame) drawScales(ratio, style);
    context.strokeStyle = style.getPropertyValue("--text");
    for (const i of new Set([picked, hovered])) {
      if (i < 0 || !shown[i]) continue;
      const [x, y] = place(i);
      context.lineWidth = (i === picked ? 2.5 : 1.5) * ratio;
      context.beginPath();
      context.arc(x * ratio, y * ratio, (size() + 3) * ratio, 0, 2 * Math.PI);
      context.stroke();
    }
    if (changed) root.dataset.redraw = (performance.now() - began).toFixed(1);
    changed = false;
  }

  // round values along the left and the lower edge, over the points
  function drawScales(ratio, style) {
    const [across, up] = embedding.frame, bottom = height - BELOW;
    const unit = (x, y) => [view.x + (x - width / 2) / view.scale, view.y + (height / 2 - y) / view.scale];
    context.save();
    context.scale(ratio, ratio);
    context.fillStyle = style.getPropertyValue("--card");
    context.fillRect(0, 0, LEFT, height);
    context.fillRect(0, bottom, width, BELOW);
    context.strokeStyle = context.fillStyle = style.getPropertyValue("--text");
    context.font = "11px " + style.fontFamily;
    context.textBaseline = "middle";
    const line = (x, y, toX, toY) => { context.beginPath(); context.moveTo(x, y); context.lineTo(toX, toY); context.stroke(); };
    const shown = number => String(number).replace("-", "\u2212");
    line(LEFT, 0, LEFT, bottom);
    line(LEFT, bottom, width, bottom);
    context.textAlign = "center";
    for (const value of rounds(...[LEFT, width].map(x => across.low + unit(x, 0)[0] * across.step), width / 90)) {
      const x = ((value - across.low) / across.step - view.x) * view.scale + width / 2;
      line(x, bottom, x, bottom + 4);
      if (x > LEFT + 8 && x < width - 12) context.fillText(shown(value), x, bottom + 12);
    }
    context.fillText(across.label, (LEFT + width) / 2, bottom + 28);
    context.textAlign = "right";
    for (const value of rounds(...[bottom, 0].map(y => up.low + unit(0, y)[1] * up.step), height / 60)) {
      const y = (view.y - (value - up.low) / up.step) * view.scale + height / 2;
      line(LEFT - 4, y, LEFT, y);
      if (y > 8 && y < bottom - 4) context.fillText(shown(value), LEFT - 7, y);
    }
    context.translate(9, bottom / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(up.label, 0, 0);
    context.restore();
  }

  function paint(wide, high, ratio, [red, green, blue]) {
    if (!picture || picture.width !== wide || picture.height !== high) picture = context.createImageData(wide, high);
    const pixels = picture.data, { points } = embedding, codes = track.codes, scale = view.scale * ratio;
    new Uint32Array(pixels.buffer).fill(((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
    const { half, pixels: dots } = disc(size() * ratio), steps = dots.length;
    const offset = Int32Array.from(dots, ([x, y]) => 4 * (y * wide + x)), cover = Float32Array.from(dots, dot => dot[2]);
    const left = wide / 2 - view.x * scale, top = high / 2 + view.y * scale;
    for (let k = 0; k < data.count; k++) {
      const i = order[k];
      if (!shown[i]) continue;
      const x = Math.round(left + points[2 * i] * scale), y = Math.round(top - points[2 * i + 1] * scale);
      if (x < half || y < half || x >= wide - half || y >= high - half) continue;
      const centre = 4 * (y * wide + x), [r, g, b] = shades[codes[i]];
      for (let s = 0; s < steps; s++) {
        const at = centre + offset[s], share = cover[s];
        pixels[at] += (r - pixels[at]) * share;
        pixels[at + 1] += (g - pixels[at + 1]) * share;
        pixels[at + 2] += (b - pixels[at + 2]) * share;
      }
    }
  }

  // ---- the view: a point of the plane in the middle, and pixels a unit
  const place = i => [
    (embedding.points[2 * i] - view.x) * view.scale + width / 2,
    (view.y - embedding.points[2 * i + 1]) * view.scale + height / 2,
  ];

  function fit() {
    const { left, below } = scales(), scale = fitted();
    view = { x: embedding.box.x - left / 2 / scale, y: embedding.box.y - below / 2 / scale, scale };
    redraw();
  }

  function pan(x, y) {
    const { left, below } = scales(), { x: middle, y: centre, ...box } = embedding.box, within = (value, middle, size) => Math.min(middle + size / 2, Math.max(middle - size / 2, value));
    view.x = within(view.x - x / view.scale, middle - left / 2 / view.scale, box.width);
    view.y = within(view.y + y / view.scale, centre - below / 2 / view.scale, box.height);
    redraw();
  }

  // zoom so that what lies under (x, y) stays there; false where the view is already as near or as far as it goes
  function zoom(factor, x, y) {
    const scale = Math.min(FARTHEST * fitted(), Math.max(fitted(), view.scale * factor));
    if (scale === view.scale) return false;
    const across = x - width / 2, up = height / 2 - y;
    view.x += across / view.scale - across / scale;
    view.y += up / view.scale - up / scale;
    view.scale = scale;
    pan(0, 0);
    return true;
  }

  function nearest(x, y) {
    const { points, grid } = embedding, reach = REACH / view.scale;
    const across = view.x + (x - width / 2) / view.scale, up = view.y - (y - height / 2) / view.scale;
    const cell = value => Math.min(CELLS - 1, Math.max(0, Math.floor(value) >> CELL_BITS));
    let best = -1, least = reach * reach;
    for (let row = cell(up - reach); row <= cell(up + reach); row++) {
      const begin = grid.first[row * CELLS + cell(across - reach)], end = grid.first[row * CELLS + cell(across + reach) + 1];
      for (let k = begin; k < end; k++) {
        const i = grid.order[k], distance = (points[2 * i] - across) ** 2 + (points[2 * i + 1] - up) ** 2;
        if (shown[i] && distance <= least) [best, least] = [i, distance];
      }
    }
    return best;
  }

  // the next point to the right, or to the left, for the keyboard; it is brought into view
  function step(by) {
    const { points } = embedding, list = [...shown.keys()].filter(i => shown[i]);
    if (!list.length) return;
    list.sort((a, b) => points[2 * a] - points[2 * b] || points[2 * a + 1] - points[2 * b + 1] || a - b);
    const at = list.indexOf(hovered), next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : (at + by + list.length) % list.length];
    const [x, y] = place(next), { left, below } = scales();
    if (x < left || x > width || y < 0 || y > height - below) pan(width / 2 - x, height / 2 - y);
    hover(next);
    status.textContent = `${readable(next)}, ${track.name}: ${value(track, next)}`;
  }

  // ---- hover and click
  function describe(i) {
    find("interval").textContent = i < 0 ? `No ${data.noun} under the pointer` : readable(i);
    details.querySelectorAll("dd").forEach((cell, k) => { cell.textContent = i < 0 ? "\u2013" : value(tracks[k], i); });
  }

  function hover(i) {
    if (i === hovered) return;
    hovered = i;
    root.dataset.region = i < 0 ? "" : position(i);
    canvas.style.cursor = i < 0 ? "grab" : "pointer";
    describe(i < 0 ? picked : i);
    tip.hidden = i < 0;
    if (i >= 0) {
      tip.replaceChildren();
      element("b", readable(i), tip);
      element("span", `${track.name}: ${value(track, i)}`, tip);
      const [x, y] = place(i);
      tip.style.left = `${Math.min(Math.max(0, x - tip.offsetWidth / 2), width - tip.offsetWidth)}px`;
      tip.style.top = `${y > tip.offsetHeight + 16 ? y - tip.offsetHeight - 12 : y + 14}px`;
    }
    redraw(false);
  }

  async function pick(i) {
    if (i < 0) return;
    picked = i;
    describe(i);
    redraw(false);
    const text = position(i), done = await copy(text);
    root.dataset.picked = text;
    status.replaceChildren();
    element("span", done ? `Copied ${text}.` : `The browser does not let a page copy; here it is: ${text}`, status);
    if (!data.assembly || !placed) return;
    const link = element("a", `Show it in the UCSC browser (${data.assembly})`, status);
    link.href = "https://genome.ucsc.edu/cgi-bin/hgTracks?" + new URLSearchParams({ db: data.assembly, position: text });
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }

  const pointers = new Map();
  let travelled = 0;
  const at = event => {
    const frame = canvas.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  };
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return b && { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, size: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
  };

  canvas.addEventListener("pointerdown", event => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    travelled = pointers.size > 1 ? Infinity : 0;
  });
  canvas.addEventListener("pointermove", event => {
    const now = at(event), last = pointers.get(event.pointerId);
    if (!last) return hover(nearest(now.x, now.y));
    const before = spread();
    pointers.set(event.pointerId, now);
    travelled += Math.hypot(now.x - last.x, now.y - last.y);
    if (before) {
      const after = spread();
      zoom(after.size / before.size, after.x, after.y);
      pan(after.x - before.x, after.y - before.y);
    } else if (travelled > 4) {
      hover(-1);
      pan(now.x - last.x, now.y - last.y);
    }
  });
  canvas.addEventListener("pointerup", event => {
    const now = at(event);
    if (pointers.delete(event.pointerId) && travelled <= 4) pick(nearest(now.x, now.y));
  });
  canvas.addEventListener("pointercancel", event => pointers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("wheel", event => {
    const { x, y } = at(event), lines = event.deltaMode === 1 ? 30 : 1;
    // a view that cannot go further back leaves the wheel to the page
    if (zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), x, y)) {
      event.preventDefault();
      hover(-1);
    }
  }, { passive: false });
  const keys = {
    ArrowLeft: () => pan(40, 0), ArrowRight: () => pan(-40, 0), ArrowUp: () => pan(0, 40), ArrowDown: () => pan(0, -40),
    "+": () => zoom(1.4, width / 2, height / 2), "-": () => zoom(1 / 1.4, width / 2, height / 2), 0: fit,
  };
  const steps = { n: () => step(1), p: () => step(-1), Enter: () => pick(hovered) };
  canvas.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(keys[event.key] || steps[event.key])) return;
    event.preventDefault();
    if (steps[event.key]) return steps[event.key]();
    hover(-1);
    keys[event.key]();
  });

  // ---- the choices
  function chooseEmbedding(number) {
    const chosen = data.embeddings[number];
    if (!chosen.grid) {
      chosen.points = unpack(chosen.points, Uint16Array);
      Object.assign(chosen, { grid: grid(chosen.points), box: box(chosen.points) });
    }
    embedding = chosen;
    hover(-1);
    find("axes").textContent = chosen.axes;
    root.dataset.embedding = chosen.name;
    fit();
    filter();
  }

  function chooseTrack(number) {
    track = tracks[number];
    root.dataset.track = track.name;
    selected = new Set();
    colour();
    drawLegend();
    filter();
  }

  function chooseOnly(text) {
    const [number, code] = text.split(":").map(Number);
    only = text ? { track: tracks[number], code } : null;
    filter();
  }

  data.embeddings.forEach(({ name }, number) => { element("option", name, find("embedding")).value = number; });
  element("option", `all ${data.noun}s`, find("only")).value = "";
  tracks.forEach((item, number) => {
    element("option", item.name, find("track")).value = number;
    const pair = element("div", "", details);
    element("dt", item.name, pair);
    element("dd", "", pair);
    if (item.kind !== "category") return;
    const group = element("optgroup", "", find("only"));
    group.label = item.name;
    item.names.forEach((name, code) => { element("option", `${item.name}: ${name}`, group).value = `${number}:${code}`; });
  });
  find("embedding").addEventListener("change", event => chooseEmbedding(Number(event.target.value)));
  find("track").addEventListener("change", event => chooseTrack(Number(event.target.value)));
  find("only").addEventListener("change", event => chooseOnly(event.target.value));
  find("reset").addEventListener("click", fit);
  find("save").addEventListener("click", () => canvas.toBlob(blob => {
    const link = element("a", "");
    Object.assign(link, { href: URL.createObjectURL(blob), download: `${root.id}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }));
  find("all").addEventListener("click", () => {
    find("only").value = "";
    selected = new Set();
    chooseOnly("");
  });
  dark.addEventListener("change", () => { colour(); drawLegend(); filter(); });

  find("inner").hidden = false;
  ({ width, height } = canvas.getBoundingClientRect());
  chooseTrack(0);
  chooseEmbedding(0);
  describe(-1);
  new ResizeObserver(() => {
    // what was in the middle stays there, and a fitted view stays fitted
    const zoomed = width && height ? view.scale / fitted() : 0;
    ({ width, height } = canvas.getBoundingClientRect());
    if (!width || !height) return;
    if (!zoomed || (embedding.frame && zoomed < 1.001)) return fit();
    view.scale = zoomed * fitted();
    redraw();
  }).observe(canvas);
}

document.querySelectorAll(".scatter").forEach(start);
})();
