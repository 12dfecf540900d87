// SPDX-License-Identifier: Apache-2.0

// Package wire speaks the Jupyter messaging protocol, version 5.4, for both
// ends: [Dial] opens a front end's sockets, [Listen] a kernel's.
//
// A message travels as ZeroMQ frames: routing identities, the delimiter
// <IDS|MSG>, an HMAC-SHA256 signature, then header, parent header, metadata and
// content as JSON, and any raw buffers. A [Codec] turns a [Message] into such
// frames and back, and refuses what its key did not sign. Nothing here knows
// which side it is on, so that a proxy can be both.
package wire

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// Version is the protocol version written into every header.
const Version = "5.4"

// Header identifies a message.
type Header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"` // RFC 3339, UTC
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

// Message is one message of the protocol.
type Message struct {
	Identities [][]byte // ZeroMQ routing prefix; the topic on iopub
	Header     Header
	Parent     Header // the request this message belongs to; zero if none
	Metadata   map[string]any
	Content    json.RawMessage
	Buffers    [][]byte
}

// New returns a message of the given type that carries content, with a fresh
// identifier. It panics if content cannot be written as JSON, which a type of
// this package always can.
func New(session, msgType string, content any) *Message {
	raw, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("wire: content of a %s message: %v", msgType, err))
	}
	return &Message{
		Header: Header{
			ID:       NewID(),
			Session:  session,
			Username: "lateral",
			Date:     time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
			Type:     msgType,
			Version:  Version,
		},
		Content: raw,
	}
}

// Reply returns a message that answers request: same session and routing
// identities, with request's header as its parent.
func Reply(request *Message, msgType string, content any) *Message {
	m := New(request.Header.Session, msgType, content)
	m.Identities = request.Identities
	m.Parent = request.Header
	return m
}

// Decode stores the message's content in v, a pointer to one of the content
// types of this package.
func (m *Message) Decode(v any) error {
	if err := json.Unmarshal(m.Content, v); err != nil {
		return fmt.Errorf("wire: content of a %s message: %w", m.Header.Type, err)
	}
	return nil
}

// NewID returns a random identifier, in the form of a version 4 UUID.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
