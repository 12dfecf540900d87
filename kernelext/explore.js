// Draws the interactive views of one figure when a reader opens them. Called once for each output that holds views:
// key names the elements, views and sheets are those of Figure.Views, script is the library (gzip, base64) or empty, address and integrity say where else it is.
(key, {views, sheets}, script, address, integrity) => {
	const page = window.lateralPage ??= {};
	if (script) page.script = script;
	const pause = ms => new Promise(done => setTimeout(done, ms));

	// The library is wrapped in a function that hides RequireJS, which the classic notebook has, from it.
	const run = text => {
		const element = document.createElement("script");
		element.textContent = `(function (exports, module, define) {${text}\n}).call(window)`;
		document.head.append(element);
		if (!window.echarts) throw new Error("the page does not run it");
		return window.echarts;
	};
	const unpack = packed => {
		const bytes = Uint8Array.from(atob(packed), c => c.charCodeAt(0));
		return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
	};
	const load = async say => {
		for (let i = 0; i < 20 && !page.script; i++) await pause(100); // another output may be on its way
		if (page.script) return run(await unpack(page.script));
		say(`loading the chart library from ${address}, as the notebook holds none`);
		const answer = await fetch(address, {integrity, signal: AbortSignal.timeout(15000)});
		if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
		return run(await answer.text());
	};
	const library = say => page.library ??= load(say).catch(problem => {
		page.library = undefined; // so that opening the view again tries again
		throw problem;
	});

	// tooltip returns what stands beside the pointer, with the sample's image where there is one.
	const tooltip = (view, encode) => point => {
		const value = [point.value].flat();
		if (point.seriesType == "heatmap") {
			const name = (axis, i) => encode(String(axis.data?.[i] ?? i));
			return `${name(view.option.yAxis[0], value[1])}, ${name(view.option.xAxis[0], value[0])}: <b>${value[2]}</b>`;
		}
		const place = value.map(v => typeof v == "number" ? +v.toPrecision(5) : encode(String(v))).join(", ");
		if (point.seriesType != "scatter") return `<b>${encode(point.seriesName)}</b><br>${place}`;
		const {address, h, w, columns, zoom} = sheets?.[view.images] ?? {};
		const at = +point.name;
		const image = address ? `<div style="width:${w * zoom}px;height:${h * zoom}px;image-rendering:pixelated;` +
			`background:url(${address}) ${-(at % columns) * w * zoom}px ${-Math.floor(at / columns) * h * zoom}px / ` +
			`${columns * w * zoom}px auto"></div>` : "";
		return `<b>${encode(point.seriesName)}</b>, sample ${at}${image ? "" : "<br>" + place}${image}`;
	};

	const draw = async box => {
		const note = box.querySelector("p");
		note.textContent = "preparing the view";
		let echarts;
		try {
			echarts = await library(text => { note.textContent = text; });
		} catch (problem) {
			note.textContent = `The chart library could not be loaded (${problem.message}). On the machine of the notebook, ` +
				"lateral data get echarts keeps a copy; then restart the kernel and run the cell again.";
			box.dataset.drawn = "";
			return;
		}
		note.remove();
		for (const view of views) {
			const place = document.createElement("div");
			place.style.cssText = `display:inline-block;width:${view.width}px;max-width:100%;height:${view.height}px`;
			box.append(place);
			place.ariaLabel = view.alt;
			const title = view.option.title;
			if (view.title && title) title.text = [view.title, title.text].filter(Boolean).join(" ");
			view.option.tooltip = {...view.option.tooltip, confine: true, formatter: tooltip(view, echarts.format.encodeHTML)};
			const chart = echarts.init(place, null, {renderer: "svg"});
			chart.setOption(view.option);
			new ResizeObserver(() => chart.resize()).observe(place);
		}
	};

	// A front end may run the script before the output is part of the page.
	const ready = () => {
		const boxes = document.querySelectorAll(`[data-lateral="${key}"]:not([data-ready])`);
		for (const box of boxes) {
			box.dataset.ready = "yes";
			box.addEventListener("toggle", () => {
				if (!box.open || box.dataset.drawn) return;
				box.dataset.drawn = "yes";
				draw(box);
			});
		}
		return boxes.length > 0;
	};
	(async () => {
		for (let i = 0; i < 100 && !ready(); i++) await pause(100);
	})();
}
