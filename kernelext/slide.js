// Connects the slider of an output to the cell that waits for it, through the server that the page is from.
(key, kernel, names) => {
	const connect = box => {
		const page = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}"); // JupyterLab
		const base = new URL(page.wsUrl || page.baseUrl || document.body.dataset.baseUrl || "/", location.href);
		const address = new URL(`${base.pathname.replace(/\/*$/, "/")}api/kernels/${kernel}/channels`, base);
		address.protocol = address.protocol.replace("http", "ws");
		if (page.token) address.searchParams.set("token", page.token);
		const session = `slide-${key}-${Math.random().toString(16).slice(2)}`;
		const socket = new WebSocket(address);
		let count = 0;
		const send = (type, content) => socket.readyState == WebSocket.OPEN && socket.send(JSON.stringify({
			header: {msg_id: `${session}-${count++}`, username: "", session, msg_type: type, version: "5.4", date: new Date().toISOString()},
			parent_header: {}, metadata: {}, content: {comm_id: key, ...content}, buffers: [], channel: "shell",
		}));
		const [slider, chosen, done] = ["input", "output", "button"].map(name => box.querySelector(name));
		socket.addEventListener("open", () => {
			send("comm_open", {target_name: "lateral", data: {value: "hello"}});
			box.hidden = false;
		});
		socket.addEventListener("message", event => { // the output is replaced when the cell goes on
			if (typeof event.data == "string" && event.data.includes("update_display_data") && event.data.includes(`"lateral-${key}"`)) {
				send("comm_close", {data: {}});
				socket.close();
			}
		});
		slider.addEventListener("input", () => {
			chosen.textContent = names[slider.value];
			send("comm_msg", {data: {value: Number(slider.value)}});
		});
		slider.addEventListener("keydown", event => event.stopPropagation()); // Jupyter would move to another cell
		done.addEventListener("click", () => send("comm_msg", {data: {value: "done"}}));
	};
	// A front end may run the script before the output is part of the page.
	(async () => {
		for (let i = 0; i < 100; i++) {
			const box = document.querySelector(`[data-lateral="${key}"][hidden]`);
			if (box) return connect(box);
			await new Promise(done => setTimeout(done, 50));
		}
	})();
}
