// SPDX-License-Identifier: Apache-2.0
// Runs the playground of a page: builds its controls, tells the program what the reader does, and draws its answers.
"use strict";
(() => {
  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const make = (tag, attributes = {}, ...children) => {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name in e && typeof value != "string") e[name] = value; else e.setAttribute(name, value);
    }
    e.append(...children);
    return e;
  };
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const rgb = name => [1, 3, 5].map(i => parseInt(colour(name).slice(i, i + 2), 16));

  // program starts the Go program and returns its functions.
  async function program() {
    const packed = new Blob([bytes(lateralWasm)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const go = new Go(), ready = new Promise(done => { window.lateralReady = done; });
    const {instance} = await WebAssembly.instantiate(await new Response(packed).arrayBuffer(), go.importObject);
    const ended = go.run(instance).then(() => { throw new Error("the program ended: its message is in the console"); });
    await Promise.race([ready, ended]);
    return window.lateral;
  }
  const checked = answer => { if (answer instanceof Error) throw answer; return answer; };

  // pad is a square to draw on, by pointer or by keys.
  function pad(control, changed) {
    const n = control.side, scale = Math.floor(280 / n), ink = new Uint8Array(n * n), brush = n > 20 ? 1.5 : 1;
    const canvas = make("canvas", {width: n * scale, height: n * scale, tabIndex: 0, class: "pad", role: "application",
      "aria-label": `${control.label}. Arrow keys move the pen, with Shift they draw.`});
    let last = null, pen = {x: n / 2, y: n / 4}, keys = false;
    const redraw = () => {
      paint(canvas.getContext("2d"), ink, n, n, 0, 0, scale, "ink");
      if (!keys) return;
      const c = canvas.getContext("2d");
      c.strokeStyle = colour("--mark"); c.lineWidth = 2;
      c.beginPath(); c.arc(pen.x * scale, pen.y * scale, scale, 0, 7); c.stroke();
    };
    const line = (from, to) => {
      const steps = Math.max(1, Math.ceil(2 * Math.hypot(to.x - from.x, to.y - from.y)));
      for (let s = 0; s <= steps; s++) {
        const px = from.x + (to.x - from.x) * s / steps, py = from.y + (to.y - from.y) * s / steps;
        for (let y = Math.max(0, Math.floor(py - 3)); y < Math.min(n, py + 3); y++) {
          for (let x = Math.max(0, Math.floor(px - 3)); x < Math.min(n, px + 3); x++) {
            const near = brush + 0.5 - Math.hypot(x + 0.5 - px, y + 0.5 - py);
            ink[y * n + x] = Math.max(ink[y * n + x], 255 * Math.min(1, Math.max(0, near)));
          }
        }
      }
      redraw();
      changed(ink);
    };
    const place = e => {
      const r = canvas.getBoundingClientRect();
      return {x: (e.clientX - r.left) / r.width * n, y: (e.clientY - r.top) / r.height * n};
    };
    canvas.addEventListener("pointerdown", e => {
      canvas.setPointerCapture(e.pointerId);
      keys = false;
      last = place(e);
      line(last, last);
      e.preventDefault();
    });
    canvas.addEventListener("pointermove", e => {
      if (!last) return;
      for (const part of e.getCoalescedEvents?.() ?? [e]) {
        const to = place(part);
        line(last, to);
        last = to;
      }
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { last = null; });
    canvas.addEventListener("keydown", e => {
      const move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[e.key];
      if (!move) return;
      const from = {...pen};
      pen.x = Math.min(n - 0.5, Math.max(0.5, pen.x + move[0]));
      pen.y = Math.min(n - 0.5, Math.max(0.5, pen.y + move[1]));
      keys = true;
      if (e.shiftKey) line(from, pen);
      redraw();
      e.preventDefault();
    });
    canvas.addEventListener("blur", () => { keys = false; redraw(); });
    redraw();
    return {element: canvas, redraw, set: pixels => { ink.set(pixels); redraw(); }};
  }

  // paint draws an image of bytes into a canvas: ink on paper, signed numbers, or light as in a photograph.
  function paint(context, pixels, w, h, x, y, zoom, kind) {
    const image = new ImageData(w * zoom, h * zoom), paper = rgb("--paper"), ends = {
      ink: [paper, rgb("--text")], photo: [[0, 0, 0], [255, 255, 255]],
      signed: [rgb("--below"), paper, rgb("--above")],
    }[kind];
    const table = Array.from({length: 256}, (_, v) => {
      const t = v / 255 * (ends.length - 1), i = Math.min(ends.length - 2, Math.floor(t));
      return ends[i].map((from, c) => from + (ends[i + 1][c] - from) * (t - i));
    });
    if (kind == "signed") table[128] = paper;
    for (let row = 0, at = 0; row < h * zoom; row++) {
      for (let column = 0; column < w * zoom; column++, at += 4) {
        const c = table[pixels[Math.floor(row / zoom) * w + Math.floor(column / zoom)]];
        image.data[at] = c[0]; image.data[at + 1] = c[1]; image.data[at + 2] = c[2]; image.data[at + 3] = 255;
      }
    }
    context.putImageData(image, x, y);
  }

  // sized gives a canvas its size and an empty sheet.
  function sized(canvas, width, height) {
    canvas.width = width;
    canvas.height = height;
    const c = canvas.getContext("2d");
    c.font = "12px system-ui, sans-serif";
    c.fillStyle = c.strokeStyle = colour("--text");
    return c;
  }

  // columnsOf returns the number of columns of n images: as many as wanted, or as there is room for.
  const gap = 6;
  function columnsOf(v, n) {
    const room = Math.floor((document.documentElement.clientWidth - 44) / (v.width * (v.zoom || 1) + gap));
    return Math.max(1, Math.min(v.columns, n, room));
  }

  const draws = {
    images(canvas, v) {
      const each = v.width * v.height, pixels = bytes(v.pixels ?? ""), n = pixels.length / each, zoom = v.zoom || 1;
      const columns = v.drawn = columnsOf(v, n), text = v.names ? 15 : 0;
      const w = v.width * zoom + gap, h = v.height * zoom + gap + text;
      const c = sized(canvas, columns * w, Math.max(1, Math.ceil(n / columns)) * h);
      c.textAlign = "center";
      for (let i = 0; i < n; i++) {
        const x = i % columns * w + gap / 2, y = Math.floor(i / columns) * h + gap / 2;
        paint(c, pixels.subarray(i * each, (i + 1) * each), v.width, v.height, x, y, zoom,
          v.signed ? "signed" : v.photo ? "photo" : "ink");
        const mark = v.marks?.[i];
        c.lineWidth = mark ? 3 : 1;
        c.strokeStyle = colour(mark == 2 ? "--mark2" : mark ? "--mark" : "--line");
        c.setLineDash(mark == 2 ? [5, 3] : []);
        c.strokeRect(x - 1, y - 1, v.width * zoom + 2, v.height * zoom + 2);
        if (v.names) c.fillText(v.names[i], x + v.width * zoom / 2, y + v.height * zoom + 13);
      }
    },
    bars(canvas, v) {
      const most = Math.max(1e-9, ...v.values.map(Math.abs)), w = v.values.length < 4 ? 70 : 30, height = 110;
      const c = sized(canvas, v.values.length * w + 10, height + 40);
      c.textAlign = "center";
      v.values.forEach((value, i) => {
        const size = Math.max(0, value) / most * height, mark = v.marks?.[i];
        c.fillStyle = colour(mark == 2 ? "--mark2" : mark ? "--mark" : "--quiet");
        c.fillRect(i * w + 9, height + 18 - size, w - 8, size);
        c.fillStyle = colour("--text");
        c.fillText(v.names[i], i * w + 5 + w / 2, height + 33);
        c.font = "10px system-ui, sans-serif";
        const text = Math.abs(value) < most / 100 ? "" : value >= 100 ? value.toFixed(0) : value.toPrecision(2);
        c.fillText(text, i * w + 5 + w / 2, height + 14 - size);
        c.font = "12px system-ui, sans-serif";
      });
    },
    lines(canvas, v) {
      const width = Math.min(640, document.documentElement.clientWidth - 60), left = 44, legend = [];
      let c = sized(canvas, width, 1), x = left, y = 14;
      for (const s of v.series) { // places of the names, in as many rows as they need
        const w = 45 + c.measureText(s.name).width;
        if (x > left && x + w > width) { x = left; y += 18; }
        legend.push([x, y]);
        x += w;
      }
      const top = y + 20, bottom = top + 156, height = bottom + 40;
      c = sized(canvas, width, height);
      const all = v.series.flatMap(s => s.x ?? []);
      const low = Math.min(0, ...all), high = Math.max(low + 20, ...all);
      const px = x => left + (x - low) / (high - low) * (width - left - 24);
      c.strokeStyle = colour("--line");
      c.textAlign = "right";
      for (const y of [0, 0.25, 0.5, 0.75, 1]) {
        const at = bottom - y * (bottom - top);
        c.beginPath(); c.moveTo(left, at); c.lineTo(width - 24, at); c.stroke();
        c.fillText(`${100 * y} %`, left - 5, at + 4);
      }
      c.textAlign = "center";
      for (const t of [0, 0.5, 1]) c.fillText(Math.round(low + t * (high - low)), px(low + t * (high - low)), bottom + 16);
      c.fillText(v.x, (left + width) / 2, bottom + 33);
      c.textAlign = "left";
      v.series.forEach((s, i) => {
        c.strokeStyle = c.fillStyle = colour(["--mark", "--mark2", "--link", "--text"][i % 4]);
        c.lineWidth = 2;
        c.setLineDash([[], [7, 3], [2, 3]][i % 3]);
        const [at, row] = legend[i];
        c.beginPath(); c.moveTo(at, row); c.lineTo(at + 24, row); c.stroke();
        c.fillText(s.name, at + 29, row + 4);
        const py = y => bottom - Math.min(y / s.max, 1.1) * (bottom - top);
        c.beginPath();
        (s.x ?? []).forEach((x, k) => c.lineTo(px(x), py(s.y[k])));
        c.stroke();
        if (s.x?.length == 1) { c.beginPath(); c.arc(px(s.x[0]), py(s.y[0]), 3, 0, 7); c.fill(); }
      });
    },
  };

  // tabulate writes rows into a table, the first of them as its head.
  function tabulate(table, rows) {
    table.replaceChildren(...rows.map((row, i) => make("tr", {}, ...row.map((text, k) =>
      i && k ? make("td", {}, text) : make("th", {scope: i ? "row" : "col"}, text)))));
  }

  // imageAt returns the number of the image below a pointer, or -1.
  function imageAt(canvas, v, e) {
    const r = canvas.getBoundingClientRect(), n = bytes(v.pixels).length / v.width / v.height;
    const columns = v.drawn, rows = Math.ceil(n / columns);
    const i = Math.floor((e.clientY - r.top) / r.height * rows) * columns
      + Math.floor((e.clientX - r.left) / r.width * columns);
    return i >= 0 && i < n ? i : -1;
  }

  // build makes the controls of a demonstration. send is called with events, by name of the control.
  function build(box, demo, send) {
    const pads = {}, fields = {}, keys = new Map(), row = make("div", {class: "controls"});
    for (const control of demo.controls) {
      const id = `${demo.name}-${control.name}`;
      if (control.kind == "pad") {
        const p = pads[control.name] = pad(control, ink => {
          if (fields.example) fields.example.value = 0;
          send({control: control.name, pixels: btoa(String.fromCharCode(...ink))});
        });
        row.append(make("div", {class: "field"}, make("span", {}, control.label), p.element));
      } else if (control.kind == "button") {
        const b = make("button", {type: "button", id}, control.label);
        b.addEventListener("click", () => {
          if (control.name == "clear" && fields.example) fields.example.value = 0;
          send({control: control.name, value: 1});
        });
        row.append(b);
        if (control.key) {
          b.setAttribute("aria-keyshortcuts", control.key.toUpperCase());
          keys.set(control.key, () => b.click());
        }
      } else if (control.kind == "pick") {
        const group = make("div", {class: "picks", role: "group", "aria-label": control.label});
        control.choices.forEach((name, i) => {
          const b = make("button", {type: "button", id: `${id}-${i + 1}`, "aria-keyshortcuts": `${i + 1}`}, name);
          b.addEventListener("click", () => send({control: control.name, value: i}));
          keys.set(`${i + 1}`, () => b.click());
          group.append(b);
        });
        row.append(make("div", {class: "field"}, make("span", {}, control.label), group));
      } else if (control.kind == "toggle") {
        const b = make("button", {type: "button", id, "aria-pressed": "false"}, control.label);
        b.addEventListener("click", () => {
          const down = b.getAttribute("aria-pressed") == "false";
          b.setAttribute("aria-pressed", String(down));
          send({control: control.name, value: down ? 1 : 0});
        });
        row.append(b);
      } else if (control.kind == "slider") {
        const input = fields[control.name] = make("input", {type: "range", id, min: `${control.min ?? 0}`,
          max: `${control.max}`, step: `${control.step}`, value: `${control.value ?? 0}`});
        const shown = make("output", {for: id}, `${control.value ?? 0}`);
        input.addEventListener("input", () => {
          shown.textContent = input.value;
          send({control: control.name, value: +input.value});
        });
        row.append(make("label", {class: "field"}, make("span", {}, control.label, " ", shown), input));
      } else {
        const select = fields[control.name] = make("select", {id});
        control.choices.forEach((name, i) => select.append(make("option", {value: `${i}`}, name)));
        select.value = control.value ?? 0;
        select.addEventListener("input", () => send({control: control.name, value: +select.value}));
        row.append(make("label", {class: "field"}, make("span", {}, control.label), select));
      }
    }
    box.append(row);
    document.addEventListener("keydown", e => {
      const typing = e.target.matches?.("input, select, textarea") || e.ctrlKey || e.altKey || e.metaKey;
      const press = keys.get(e.key.toLowerCase());
      if (press && !typing && !e.repeat) press();
    });
    return {pads, fields};
  }

  async function run(box) {
    const demo = lateralDemos.find(d => d.name == box.dataset.playground), still = box.querySelector(".still");
    const say = make("p", {class: "answer", role: "status", "aria-live": "polite"}, "Loading the program ...");
    box.append(say);
    try {
      const lateral = await program(), files = {};
      for (const name of demo.files ?? []) files[name] = bytes(lateralFiles[name]);
      const session = checked(lateral.start(demo.name, files));
      const figures = [], views = make("div", {class: "views"});
      let queue = [], waiting = false, shown = [];
      const show = () => shown.forEach((v, i) => {
        const f = figures[i] ??= figure(i), [canvas, table, caption] = f.children;
        if (!f.isConnected) views.append(f);
        f.hidden = false;
        f.className = v.kind;
        f.classList.toggle("pick", v.pick != null);
        caption.textContent = v.label;
        canvas.hidden = !(table.hidden = v.kind != "table");
        if (v.kind == "table") { tabulate(table, v.rows); return; }
        canvas.setAttribute("aria-label", v.label);
        draws[v.kind](canvas, v);
        f.classList.toggle("wide", canvas.width > 380);
      });
      const figure = i => {
        const canvas = make("canvas", {role: "img"});
        canvas.addEventListener("click", e => {
          const value = shown[i].pick ? imageAt(canvas, shown[i], e) : -1;
          if (value >= 0) send({control: shown[i].pick, value});
        });
        return make("figure", {}, canvas, make("table"), make("figcaption"));
      };
      const act = () => {
        waiting = false;
        const latest = new Map(queue.map((e, i) => [e.control == "one" || e.control == "thousand" ? i : e.control, e]));
        queue = [];
        try {
          const answer = JSON.parse(checked(lateral.act(session, JSON.stringify([...latest.values()]))));
          shown = [];
          for (const v of answer.views) {
            if (v.kind == "answer") { if (say.textContent != v.text) say.textContent = v.text; }
            else if (v.kind == "pad") pads[v.label].set(bytes(v.pixels));
            else if (v.kind == "field") fields[v.label].value = v.values[0];
            else shown.push(v);
          }
          show();
          for (const f of figures.slice(shown.length)) f.hidden = true;
          if (answer.busy) later();
        } catch (problem) { fail(problem); }
      };
      const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(act); } };
      const fail = problem => {
        say.textContent = `The playground stopped: ${problem.message ?? problem}. Load the page again.`;
        console.error(problem);
      };
      const send = event => { queue.push(event); later(); };
      const {pads, fields} = build(box, demo, send);
      box.append(say, views);
      still?.remove();
      act();
      box.dataset.ready = "yes";
      const again = () => { for (const p of Object.values(pads)) p.redraw(); show(); };
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
      for (const event of ["lateral-theme", "resize"]) window.addEventListener(event, again);
    } catch (problem) {
      say.textContent = `This browser cannot run the playground (${problem.message ?? problem}). The picture shows it at work.`;
      console.error(problem);
    }
  }
  for (const box of document.querySelectorAll("[data-playground]")) run(box);
})();
