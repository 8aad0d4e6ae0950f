// The section that is being read, tables as TSV, figures as SVG and PNG, and what a link or the printer must unfold; the page works without it.
const links = new Map([...document.querySelectorAll("nav a.section")].map(link => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver(entries => entries.forEach(entry => {
  if (!entry.isIntersecting) return;
  links.forEach(link => { link.classList.remove("here"); link.removeAttribute("aria-current"); });
  links.get(entry.target.id).classList.add("here");
  links.get(entry.target.id).setAttribute("aria-current", "true");
}), { rootMargin: "-10% 0px -80% 0px" });
document.querySelectorAll("main > section").forEach(section => watcher.observe(section));

function unfold(target) {
  for (let item = target; item; item = item.parentElement) if (item.tagName === "DETAILS") item.open = true;
}
function follow() {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.closest("details")) { unfold(target); target.scrollIntoView(); }
}
addEventListener("hashchange", follow);
follow();

let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach(item => { item.open = true; });
});
addEventListener("afterprint", () => folded.forEach(item => { item.open = false; }));

function asTsv(table) {
  return [...table.rows].map(row => [...row.cells].map(cell => cell.textContent.trim()).join("\t")).join("\n") + "\n";
}
async function copy(text) {
  try { await navigator.clipboard.writeText(text); return true; } catch (error) { /* a page of file:// may not */ }
  const area = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
document.querySelectorAll("button.copy").forEach(button => button.addEventListener("click", async () => {
  const done = await copy(asTsv(button.closest("details").querySelector("table")));
  button.nextElementSibling.textContent = done ? " Copied." : " This browser does not allow copying.";
}));

function standalone(svg) {
  const copied = svg.cloneNode(true), box = svg.viewBox.baseVal;
  copied.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copied.setAttribute("width", box.width);
  copied.setAttribute("height", box.height);
  copied.style.color = "#23282f";
  return new XMLSerializer().serializeToString(copied);
}
function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
function savePng(svg, name) {
  const box = svg.viewBox.baseVal, image = new Image(), scale = 3;
  image.onload = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: box.width * scale, height: box.height * scale });
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(blob => save(blob, name));
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(standalone(svg));
}
document.querySelectorAll("button.save").forEach(button => button.addEventListener("click", () => {
  const figure = button.closest("figure"), svg = figure.querySelector("svg"), name = `${figure.id}.${button.dataset.kind}`;
  if (button.dataset.kind === "svg") save(new Blob([standalone(svg)], { type: "image/svg+xml" }), name);
  else savePng(svg, name);
}));
