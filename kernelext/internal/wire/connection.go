// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/lib/durable"
)

// Connection is the content of a kernel's connection file: where its five
// sockets are and the key that signs their messages.
type Connection struct {
	Transport       string `json:"transport"` // "tcp" or "ipc"
	IP              string `json:"ip"`        // an address, or for ipc the path before "-port"
	ShellPort       int    `json:"shell_port"`
	IOPubPort       int    `json:"iopub_port"`
	StdinPort       int    `json:"stdin_port"`
	ControlPort     int    `json:"control_port"`
	HeartbeatPort   int    `json:"hb_port"`
	SignatureScheme string `json:"signature_scheme"`
	Key             string `json:"key"`
	KernelName      string `json:"kernel_name,omitempty"`
}

// maxSocketPath is the longest path of a Unix-domain socket on every system we
// support (104 bytes on macOS, with the terminating zero).
const maxSocketPath = 103

// NewConnection chooses addresses and a key for a kernel that will live in dir,
// a directory that only this user can enter: Unix-domain sockets in dir, or
// free loopback ports where dir's path is too long for that.
func NewConnection(dir string) (Connection, error) {
	c := Connection{SignatureScheme: "hmac-sha256", Key: NewID()}
	if prefix := dir + "/k"; len(prefix)+len("-5") <= maxSocketPath {
		c.Transport, c.IP = "ipc", prefix
		c.ShellPort, c.IOPubPort, c.StdinPort, c.ControlPort, c.HeartbeatPort = 1, 2, 3, 4, 5
		return c, nil
	}
	c.Transport, c.IP = "tcp", "127.0.0.1"
	for _, port := range []*int{&c.ShellPort, &c.IOPubPort, &c.StdinPort, &c.ControlPort, &c.HeartbeatPort} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return c, fmt.Errorf("wire: no free port on 127.0.0.1: %w", err)
		}
		defer l.Close() // held until all five are chosen, so that they differ
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return c, nil
}

// ReadConnection reads a connection file.
func ReadConnection(path string) (Connection, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Connection{}, fmt.Errorf("wire: connection file: %w", err)
	}
	c, err := parseConnection(data)
	if err != nil {
		return c, fmt.Errorf("wire: connection file %s: %w", path, err)
	}
	return c, nil
}

// parseConnection reads and checks the content of a connection file.
func parseConnection(data []byte) (Connection, error) {
	var c Connection
	if err := json.Unmarshal(data, &c); err != nil {
		return c, err
	}
	switch {
	case c.Transport != "tcp" && c.Transport != "ipc":
		return c, fmt.Errorf("transport %q is neither tcp nor ipc", c.Transport)
	case c.Key != "" && c.SignatureScheme != "hmac-sha256":
		return c, fmt.Errorf("signature scheme %q is not hmac-sha256", c.SignatureScheme)
	case c.IP == "":
		return c, errors.New("ip, the address or path of the sockets, is empty")
	}
	used := map[int]string{}
	for _, socket := range []struct {
		name string
		port int
	}{
		{"shell_port", c.ShellPort}, {"iopub_port", c.IOPubPort}, {"stdin_port", c.StdinPort},
		{"control_port", c.ControlPort}, {"hb_port", c.HeartbeatPort},
	} {
		if socket.port < 1 || socket.port > 1<<16-1 {
			return c, fmt.Errorf("%s is %d, not a port", socket.name, socket.port)
		}
		if other := used[socket.port]; other != "" {
			return c, fmt.Errorf("%s and %s are both %d", other, socket.name, socket.port)
		}
		used[socket.port] = socket.name
	}
	return c, nil
}

// Write stores the connection file at path, readable by its owner alone.
func (c Connection) Write(path string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("wire: connection file: %w", err)
	}
	f, err := durable.Create(path)
	if err != nil {
		return fmt.Errorf("wire: connection file: %w", err)
	}
	defer f.Discard()
	if err := f.Chmod(0o600); err != nil { // before the key is in it
		return fmt.Errorf("wire: connection file: %w", err)
	}
	if _, err := f.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("wire: connection file: %w", err)
	}
	return f.Commit()
}

// network and address return where one of the connection's ports is, for package net.
func (c Connection) network() string {
	if c.Transport == "ipc" {
		return "unix"
	}
	if ip := net.ParseIP(c.IP); ip != nil && ip.To4() != nil {
		return "tcp4" // 0.0.0.0 would be those of version 6 as well
	}
	return "tcp"
}

func (c Connection) address(port int) string {
	if c.Transport == "ipc" {
		return fmt.Sprintf("%s-%d", c.IP, port)
	}
	return net.JoinHostPort(strings.TrimPrefix(c.IP, "*"), strconv.Itoa(port)) // * is any
}
