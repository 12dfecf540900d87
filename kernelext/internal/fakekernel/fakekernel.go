// SPDX-License-Identifier: Apache-2.0

// Package fakekernel is a Jupyter kernel for tests, in a process of its own and
// over real sockets. Its cells are scripts, one action on each line:
//
//	stdout TEXT, stderr TEXT     write, TEXT quoted as in Go
//	display ID VALUE             display_data with VALUE as text/plain; ID - for none
//	update ID VALUE              update_display_data
//	data JSON                    display_data with the data given as JSON
//	flood N                      N MiB of lines on stdout
//	pid                          print the process number
//	env NAME                     print an environment variable
//	result VALUE                 execute_result
//	clear, clear wait            clear_output
//	error NAME VALUE             an error, on iopub and in the reply
//	fail NAME VALUE              an error in the reply alone
//	abort                        the reply says aborted
//	input PROMPT                 ask for input, wait for it or an interrupt, write it
//	hang                         wait until interrupted
//	deaf                         wait for ever, interrupted or not
//	spawn                        start a program that runs for a minute, print its process number
//	program                      run a program for a minute, say how it ended on stderr as GoNB does
//	program ignore               one that cannot be interrupted
//	die                          end the process, with a last word on stderr
//	forge                        send a message signed with another key
//	late TEXT                    write TEXT after the cell is done
//	chatter                      write for ever, also after the cell is done
//
// A test binary becomes the kernel when its TestMain calls [Main] and the environment has [Variable]. The connection
// file is its last argument.
package fakekernel

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// Variable makes a test binary a kernel, whatever its value.
const Variable = "LATERAL_FAKE_KERNEL"

// Spec starts the running test binary as a fake kernel.
func Spec() session.Spec {
	return session.Spec{
		Argv:  []string{os.Args[0], "{connection_file}"},
		Env:   append(os.Environ(), Variable+"=1", "GORACE=atexit_sleep_ms=0"), // or each end takes a second
		Grace: 500 * time.Millisecond,
	}
}

// Main serves as a kernel and ends the process, if it was started as one.
func Main() {
	if os.Getenv(Variable) == "" {
		return
	}
	if err := serve(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, "fakekernel:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

type kernel struct {
	connection  wire.Connection
	sockets     *wire.Sockets
	interrupted chan struct{}
	answers     chan string
	count       int
}

func serve(file string) error {
	connection, err := wire.ReadConnection(file)
	if err != nil {
		return err
	}
	sockets, err := wire.Listen(context.Background(), connection)
	if err != nil {
		return err
	}
	k := &kernel{connection: connection, sockets: sockets, interrupted: make(chan struct{}, 1), answers: make(chan string)}
	done := make(chan struct{})
	go k.control(done)
	go k.shell()
	go k.stdin()
	<-done
	return nil
}

// control answers interrupts and the end.
func (k *kernel) control(done chan struct{}) {
	for {
		m, err := k.sockets.Control.Receive()
		if err != nil {
			continue
		}
		switch m.Header.Type {
		case "interrupt_request":
			select {
			case k.interrupted <- struct{}{}:
			default:
			}
			k.sockets.Control.Send(wire.Reply(m, "interrupt_reply", wire.Empty{}))
		case "shutdown_request":
			k.sockets.Control.Send(wire.Reply(m, "shutdown_reply", wire.Shutdown{}))
			close(done)
			return
		}
	}
}

// stdin hands on what people answer.
func (k *kernel) stdin() {
	for {
		var input wire.InputReply
		if m, err := k.sockets.Stdin.Receive(); err == nil && m.Decode(&input) == nil {
			k.answers <- input.Value
		}
	}
}

// shell answers requests one after the other.
func (k *kernel) shell() {
	for {
		m, err := k.sockets.Shell.Receive()
		if err != nil {
			continue
		}
		k.publish(m, "status", wire.Status{State: "busy"})
		var late string
		switch m.Header.Type {
		case "kernel_info_request":
			k.sockets.Shell.Send(wire.Reply(m, "kernel_info_reply", wire.KernelInfo{
				Status: "ok", ProtocolVersion: wire.Version, Implementation: "fake",
				LanguageInfo: wire.LanguageInfo{Name: "script", FileExtension: ".script"},
			}))
		case "execute_request":
			late = k.execute(m)
		}
		k.publish(m, "status", wire.Status{State: "idle"})
		if late != "" {
			k.publish(m, "stream", wire.Stream{Name: "stdout", Text: late})
		}
	}
}

func (k *kernel) publish(parent *wire.Message, msgType string, content any) {
	m := wire.Reply(parent, msgType, content)
	m.Identities = [][]byte{[]byte(msgType)}
	k.sockets.IOPub.Send(m)
}

// execute runs a script and returns what to write after the end.
func (k *kernel) execute(request *wire.Message) (late string) {
	var code wire.ExecuteRequest
	if err := request.Decode(&code); err != nil {
		panic(err)
	}
	if !code.Silent {
		k.count++
		k.publish(request, "execute_input", wire.ExecuteInput{Code: code.Code, ExecutionCount: k.count})
	}
	reply := wire.ExecuteReply{Status: "ok", ExecutionCount: k.count}
	for line := range strings.Lines(code.Code) {
		action, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		first, second, _ := strings.Cut(rest, " ")
		switch action {
		case "stdout", "stderr":
			k.publish(request, "stream", wire.Stream{Name: action, Text: unquote(rest)})
		case "display", "update":
			msgType := map[string]string{"display": "display_data", "update": "update_display_data"}[action]
			k.publish(request, msgType, wire.Display{
				Data: map[string]any{"text/plain": second}, Metadata: map[string]any{},
				Transient: wire.Transient{DisplayID: strings.Trim(first, "-")},
			})
		case "data":
			var data map[string]any
			if err := json.Unmarshal([]byte(rest), &data); err != nil {
				panic(err)
			}
			k.publish(request, "display_data", wire.Display{Data: data})
		case "flood":
			n, _ := strconv.Atoi(first)
			for range 16 * n {
				k.publish(request, "stream", wire.Stream{Name: "stdout", Text: strings.Repeat("0123456789abcde\n", 4<<10)})
			}
		case "pid":
			k.publish(request, "stream", wire.Stream{Name: "stdout", Text: strconv.Itoa(os.Getpid())})
		case "env":
			k.publish(request, "stream", wire.Stream{Name: "stdout", Text: os.Getenv(first)})
		case "result":
			k.publish(request, "execute_result", wire.Display{
				Data: map[string]any{"text/plain": rest}, Metadata: map[string]any{}, ExecutionCount: k.count,
			})
		case "clear":
			k.publish(request, "clear_output", wire.ClearOutput{Wait: first == "wait"})
		case "error", "fail":
			reply.Status, reply.Name, reply.Value, reply.Traceback = "error", first, second, []string{second}
			if action == "error" {
				k.publish(request, "error", wire.Error{Name: first, Value: second, Traceback: []string{second}})
			}
		case "abort":
			reply.Status = "aborted"
		case "input":
			k.sockets.Stdin.Send(wire.Reply(request, "input_request", wire.InputRequest{Prompt: rest}))
			select {
			case answer := <-k.answers:
				k.publish(request, "stream", wire.Stream{Name: "stdout", Text: answer})
			case <-k.interrupted:
				reply.Status, reply.Name = "error", "Interrupted"
			}
		case "hang":
			<-k.interrupted
			reply.Status, reply.Name = "error", "Interrupted"
		case "deaf":
			select {}
		case "spawn":
			child := exec.Command("sleep", "60")
			if err := child.Start(); err != nil {
				panic(err)
			}
			k.publish(request, "stream", wire.Stream{Name: "stdout", Text: strconv.Itoa(child.Process.Pid)})
		case "program":
			child := exec.Command("sleep", "60")
			if first == "ignore" {
				child = exec.Command("sh", "-c", "trap '' INT; echo ready; sleep 60")
			}
			if err := child.Run(); err != nil {
				k.publish(request, "stream", wire.Stream{Name: "stderr", Text: err.Error() + "\n"})
			}
		case "die":
			fmt.Fprintln(os.Stderr, "last words")
			time.Sleep(50 * time.Millisecond) // for the output sent before
			os.Exit(3)
		case "forge":
			k.forge(request)
		case "chatter":
			go func() {
				for {
					k.publish(request, "stream", wire.Stream{Name: "stdout", Text: "again\n"})
					time.Sleep(10 * time.Millisecond)
				}
			}()
		case "late":
			late = unquote(rest)
		}
	}
	k.sockets.Shell.Send(wire.Reply(request, "execute_reply", reply))
	return late
}

// forge sends frames that are signed with another key.
func (k *kernel) forge(request *wire.Message) {
	k.sockets.IOPub.SendAs(wire.Codec{Key: []byte("another key")}, wire.Reply(request, "stream",
		wire.Stream{Name: "stdout", Text: "forged"}))
}

func unquote(text string) string {
	plain, err := strconv.Unquote(text)
	if err != nil {
		panic(fmt.Sprintf("fakekernel: %s: %v", text, err))
	}
	return plain
}
