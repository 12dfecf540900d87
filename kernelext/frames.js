// Turns the pictures of one output into one that a slider chooses, and hides the strip of the same pictures above.
key => {
	const ready = () => {
		const boxes = document.querySelectorAll(`[data-lateral="${key}"][hidden]`);
		for (const box of boxes) {
			const slider = box.querySelector("input"), chosen = box.querySelector("output");
			const pictures = [...box.querySelectorAll("img")];
			const show = () => {
				pictures.forEach((picture, i) => { picture.style.display = i == slider.value ? "" : "none"; });
				chosen.textContent = pictures[slider.value].alt;
			};
			slider.addEventListener("input", show);
			slider.addEventListener("keydown", event => event.stopPropagation()); // Jupyter would move to another cell
			show();
			box.hidden = false;
			let above = box.closest(".jp-OutputArea-child, .output_area, .output");
			for (let i = 0; i < 2 && above; i++) {
				above = above.previousElementSibling;
				const strip = above?.querySelector("img");
				if (strip) {
					strip.style.display = "none";
					break;
				}
			}
		}
		return boxes.length > 0;
	};
	// A front end may run the script before the output is part of the page.
	(async () => {
		for (let i = 0; i < 100 && !ready(); i++) await new Promise(done => setTimeout(done, 100));
	})();
}
