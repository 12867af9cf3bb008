"use strict";
const token = new URLSearchParams(location.search).get("token");
const answer = document.getElementById("answer"), input = document.getElementById("input");
const button = document.querySelector("button");
if (token) document.getElementById("docs").href = "docs?token=" + encodeURIComponent(token);
function read(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(new Error("the file cannot be read"));
    reader.readAsDataURL(file);
  });
}
async function row() {
  const cells = document.querySelectorAll("[data-column]");
  if (cells.length) {
    const values = {};
    let isEmpty = true;
    for (const cell of cells) {
      const text = cell.value.trim();
      isEmpty = isEmpty && text === "";
      values[cell.dataset.column] = text === "" ? null : text;
    }
    if (isEmpty) throw new Error("fill in what is known; what is left empty counts as missing");
    return values;
  }
  if (input.type === "file") {
    if (!input.files.length) throw new Error("choose a picture first");
    return read(input.files[0]);
  }
  if (!input.value.trim()) throw new Error("write something first");
  if (document.body.dataset.noun === "text") return input.value;
  const text = input.value.trim();
  try {
    return JSON.parse(text.startsWith("[") ? text : "[" + text + "]");
  } catch {
    throw new Error("these are no numbers: write them with commas between, or as JSON");
  }
}
function line(table, name, share) {
  const cells = table.insertRow(), first = cells.insertCell(), second = cells.insertCell();
  first.textContent = name;
  const meter = document.createElement("meter");
  meter.value = share;
  second.append(meter, " " + (100 * share).toFixed(2) + " %");
}
function show(found) {
  answer.replaceChildren();
  const said = document.createElement("p"), strong = document.createElement("strong");
  strong.textContent = String(found.prediction);
  said.append("Prediction: ", strong);
  answer.append(said);
  if (!found.probabilities) return;
  const table = document.createElement("table");
  const shares = Object.entries(found.probabilities).sort((a, b) => b[1] - a[1]);
  for (const [name, share] of shares.slice(0, 20)) line(table, name, share);
  answer.append(table);
}
function refuse(error) {
  answer.textContent = "Refused: " + error.message;
  if (!error.problems || !error.problems.length) return;
  const list = document.createElement("ul");
  for (const { where, found, remedy } of error.problems.slice(0, 20)) {
    const item = document.createElement("li");
    item.textContent = [where, found].filter(Boolean).join(": ") + (remedy ? ". " + remedy : "");
    list.append(item);
  }
  answer.append(list);
}
if (input && input.type === "file") {
  input.addEventListener("change", async () => {
    if (input.files.length) document.getElementById("seen").src = await read(input.files[0]);
  });
}
document.getElementById("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  answer.textContent = "...";
  button.disabled = true;
  try {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = "Bearer " + token;
    const reply = await fetch("predict", { method: "POST", headers, body: JSON.stringify({ rows: [await row()] }) });
    const told = await reply.json();
    if (!reply.ok) throw Object.assign(new Error(told.error.message), { problems: told.error.problems });
    show(told.predictions[0]);
  } catch (error) {
    refuse(error);
  } finally {
    button.disabled = false;
  }
  answer.scrollIntoView({ block: "nearest" });
});
