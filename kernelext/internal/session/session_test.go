// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/fakekernel"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

func TestMain(m *testing.M) {
	fakekernel.Main()
	os.Exit(m.Run())
}

func Example() {
	s, err := session.Start(context.Background(), fakekernel.Spec())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	reply, err := s.Execute(context.Background(), s.NewExecute(`stdout "hello"`, false), func(m *wire.Message) {
		var text wire.Stream
		if m.Header.Type == "stream" && m.Decode(&text) == nil {
			fmt.Println(text.Text)
		}
	})
	fmt.Println(reply.Status, reply.ExecutionCount, err)
	// Output:
	// hello
	// ok 1 <nil>
}

// start runs a fake kernel that ends with the test.
func start(t *testing.T) *session.Session {
	t.Helper()
	s, err := session.Start(context.Background(), fakekernel.Spec())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func ignore(*wire.Message) {}

// Output published right at the first request arrives: the handshake has waited
// for the subscription. Ten starts, since it is a race.
func TestNothingIsLostAtTheStart(t *testing.T) {
	for range 10 {
		s, err := session.Start(context.Background(), fakekernel.Spec())
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		_, err = s.Execute(context.Background(), s.NewExecute("stdout \"a\"\nstdout \"b\"", false), func(m *wire.Message) {
			var stream wire.Stream
			if m.Header.Type == "stream" && m.Decode(&stream) == nil {
				text.WriteString(stream.Text)
			}
		})
		s.Close()
		if err != nil || text.String() != "ab" {
			t.Fatalf("got %q, %v", text.String(), err)
		}
	}
}

func TestInterrupt(t *testing.T) {
	s := start(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(30*time.Millisecond, func() { cancel(cause) })
	if _, err := s.Execute(ctx, s.NewExecute("hang", false), ignore); err != cause {
		t.Errorf("error %v, want the context's cause", err)
	}
	if !s.Alive() {
		t.Fatal("an interrupt has killed the kernel")
	}
	if reply, err := s.Execute(context.Background(), s.NewExecute("", false), ignore); err != nil || reply.Status != "ok" {
		t.Errorf("afterwards: %+v, %v", reply, err)
	}
}

func TestKernelThatDoesNotListenIsKilled(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithTimeoutCause(context.Background(), 30*time.Millisecond, errors.New("enough"))
	defer cancel()
	if _, err := s.Execute(ctx, s.NewExecute("deaf", false), ignore); err == nil || err.Error() != "enough" {
		t.Errorf("error %v, want the context's cause", err)
	}
	if s.Alive() {
		t.Error("the kernel is alive")
	}
}

func TestDeadKernel(t *testing.T) {
	s := start(t)
	heard := false
	_, err := s.Execute(context.Background(), s.NewExecute("stdout \"before\"\ndie", false), func(m *wire.Message) {
		heard = heard || m.Header.Type == "stream"
	})
	var dead *session.DeadError
	if !errors.As(err, &dead) || dead.State != "exit status 3" || !strings.Contains(dead.Log, "last words") {
		t.Errorf("error %#v", err)
	}
	if !heard {
		t.Error("what the kernel said before it died is lost")
	}
}

// A program that was left behind and prints for ever does not keep a session from its end.
func TestDrainEnds(t *testing.T) {
	s := start(t)
	if _, err := s.Execute(t.Context(), s.NewExecute("chatter", false), ignore); err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	go func() { s.Drain(ignore); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the session waits for silence")
	}
}

func TestForgedMessage(t *testing.T) {
	s := start(t)
	_, err := s.Execute(context.Background(), s.NewExecute("forge\nhang", false), func(m *wire.Message) {
		if m.Header.Type == "stream" {
			t.Error("a forged message was taken")
		}
	})
	if !errors.Is(err, wire.ErrSignature) {
		t.Errorf("error %v, want %v", err, wire.ErrSignature)
	}
}

// A kernel that asks although the request forbids it is interrupted like one that hangs.
func TestInputRequest(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithTimeoutCause(context.Background(), 50*time.Millisecond, errors.New("enough"))
	defer cancel()
	if _, err := s.Execute(ctx, s.NewExecute("input your name:", false), ignore); err == nil || err.Error() != "enough" {
		t.Errorf("error %v", err)
	}
}

// A program routes messages itself.
func TestChannels(t *testing.T) {
	s := start(t)
	channels := s.Channels()
	if err := s.Send(s.NewExecute("input your name:\nstdout \"done\"", false)); err != nil {
		t.Fatal(err)
	}
	question := <-channels.Stdin
	var input wire.InputRequest
	if err := question.Decode(&input); err != nil || input.Prompt != "your name:" {
		t.Fatalf("the question %+v, %v", input, err)
	}
	if err := s.Answer(wire.Reply(question, "input_reply", wire.InputReply{Value: "Ada"})); err != nil {
		t.Fatal(err)
	}
	for m := range channels.IOPub {
		var text wire.Stream
		if m.Header.Type == "stream" && m.Decode(&text) == nil {
			if text.Text != "Ada" {
				t.Errorf("the kernel heard %q", text.Text)
			}
			break
		}
	}
	if s.Err() != nil {
		t.Errorf("a kernel that runs has the error %v", s.Err())
	}
	s.Kill()
	<-channels.Exited
	if s.Err() == nil {
		t.Error("a kernel that was killed has no error")
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	s := start(t)
	var pid int
	_, err := s.Execute(context.Background(), s.NewExecute("spawn", false), func(m *wire.Message) {
		var text wire.Stream
		if m.Header.Type == "stream" && m.Decode(&text) == nil {
			pid, _ = strconv.Atoi(text.Text)
		}
	})
	if err != nil || pid == 0 || syscall.Kill(pid, 0) != nil {
		t.Fatalf("the kernel started no program: %d, %v", pid, err)
	}
	s.Close()
	for deadline := time.Now().Add(2 * time.Second); running(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a program that the kernel started is still running")
		}
	}
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there", s.Dir)
	}
}

// Output that is not to be kept is passed over, until another filter keeps it.
func TestFilter(t *testing.T) {
	s := start(t)
	for _, test := range []struct{ without, want string }{{`{"name":"stdout"`, "b"}, {"none begins so", "ab"}} {
		s.Filter(func(content []byte) bool { return !bytes.HasPrefix(content, []byte(test.without)) })
		said := ""
		_, err := s.Execute(t.Context(), s.NewExecute("stdout \"a\"\nstderr \"b\"", false), func(m *wire.Message) {
			var text wire.Stream
			if m.Header.Type == "stream" && m.Decode(&text) == nil {
				said += text.Text
			}
		})
		if err != nil || said != test.want {
			t.Errorf("without %s: %q, %v", test.without, said, err)
		}
	}
}

// running reports whether a process runs; one that has ended and waits to be
// collected by its adopter does not.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(status), ") Z ")
}

func TestStartFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, test := range map[string]struct {
		argv []string
		want string
	}{
		"no such program":     {[]string{"/nonexistent/kernel"}, "no such file"},
		"ends at once":        {[]string{"sh", "-c", "echo cannot start >&2; exit 4"}, "cannot start"},
		"no connection to it": {[]string{"sh", "-c", "exit 5"}, "exit status 5"},
	} {
		spec := fakekernel.Spec()
		spec.Argv = test.argv
		if _, err := session.Start(context.Background(), spec); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one about %q", name, err, test.want)
		}
	}

	spec := fakekernel.Spec()
	spec.Argv = []string{"sleep", "60"}
	ctx, cancel := context.WithTimeoutCause(context.Background(), 50*time.Millisecond, errors.New("enough"))
	defer cancel()
	if _, err := session.Start(ctx, spec); err == nil || err.Error() != "enough" {
		t.Errorf("cancelled start: error %v", err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("directories are left behind: %v, %v", left, err)
	}
}

// A kernel that does not answer is reported with what it has said until then.
func TestKernelThatDoesNotAnswer(t *testing.T) {
	defer session.SetStartLimit(500 * time.Millisecond)()
	spec := session.Spec{Argv: []string{"sh", "-c", "echo no module found >&2; sleep 60"}}
	_, err := session.Start(t.Context(), spec)
	const want = "did not answer within 500ms; the last it said was:\nno module found"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want one that ends with %q", err, want)
	}
}
