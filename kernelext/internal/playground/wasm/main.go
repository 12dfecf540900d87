// SPDX-License-Identifier: Apache-2.0

//go:build js && wasm

// Command wasm is the program of the playground pages. It gives the page two functions in the object lateral:
//
//	start(name, {file: Uint8Array, ...})  begins a demonstration and returns its number
//	act(number, events)                   events in JSON -> {views, busy} in JSON
//
// Both return an Error if something is wrong.
package main

import (
	"syscall/js"

	"github.com/lateral-ml/lateral/kernelext/internal/playground"
)

func main() {
	var table playground.Table
	failed := func(err error) any { return js.Global().Get("Error").New(err.Error()) }
	js.Global().Set("lateral", map[string]any{
		"start": js.FuncOf(func(_ js.Value, args []js.Value) any {
			files := playground.Files{}
			names := js.Global().Get("Object").Call("keys", args[1])
			for i := range names.Length() {
				name := names.Index(i).String()
				bytes := args[1].Get(name)
				files[name] = make([]byte, bytes.Length())
				js.CopyBytesToGo(files[name], bytes)
			}
			session, err := table.Start(args[0].String(), files)
			if err != nil {
				return failed(err)
			}
			return session
		}),
		"act": js.FuncOf(func(_ js.Value, args []js.Value) any {
			answer, err := table.Do(args[0].Int(), []byte(args[1].String()))
			if err != nil {
				return failed(err)
			}
			return string(answer)
		}),
	})
	if ready := js.Global().Get("lateralReady"); ready.Type() == js.TypeFunction {
		ready.Invoke()
	}
	select {}
}
