// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/json"

// ExecuteRequest asks a kernel to run code.
type ExecuteRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    bool              `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      bool              `json:"allow_stdin"`
	StopOnError     bool              `json:"stop_on_error"`
}

// ExecuteReply answers an [ExecuteRequest]. Status is "ok", "error" or
// "aborted"; the last three fields belong to "error".
type ExecuteReply struct {
	Status         string   `json:"status"`
	ExecutionCount int      `json:"execution_count"`
	Name           string   `json:"ename,omitempty"`
	Value          string   `json:"evalue,omitempty"`
	Traceback      []string `json:"traceback,omitempty"`
	Failure        *Failure `json:"lateral,omitempty"` // of the kernel that "lateral kernel run" is
}

// Failure says where and why a cell failed: an extension of the protocol's
// execute_reply, which front ends ignore.
type Failure struct {
	Count   int    `json:"count"`  // execution count of the cell to blame, which may be an earlier one; 0 if not known
	Line    int    `json:"line"`   // in that cell, from 1; 0 if not known
	Source  string `json:"source"` // that line
	Message string `json:"message"`
	Detail  string `json:"detail"` // further messages, or the start of a stack trace
}

// ExecuteInput repeats on iopub the code that a kernel starts to run.
type ExecuteInput struct {
	Code           string `json:"code"`
	ExecutionCount int    `json:"execution_count"`
}

// Status is a kernel's state: "starting", "busy" or "idle".
type Status struct {
	State string `json:"execution_state"`
}

// Stream is text written to standard output ("stdout") or error ("stderr").
type Stream struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Display is the content of display_data, update_display_data and
// execute_result: one thing to show, as a value per MIME type.
type Display struct {
	Data           map[string]any `json:"data"`
	Metadata       map[string]any `json:"metadata"`
	Transient      Transient      `json:"transient"`
	ExecutionCount int            `json:"execution_count,omitempty"` // execute_result only
}

// Transient is the part of a [Display] that is not saved.
type Transient struct {
	DisplayID string `json:"display_id,omitempty"` // what a later update refers to
}

// Error is an exception on iopub.
type Error struct {
	Name      string   `json:"ename"`
	Value     string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

// ClearOutput removes a cell's outputs, at once or, if Wait, when the next
// output arrives.
type ClearOutput struct {
	Wait bool `json:"wait"`
}

// InputRequest is a kernel's question to the person at the front end.
type InputRequest struct {
	Prompt   string `json:"prompt"`
	Password bool   `json:"password"`
}

// InputReply answers an [InputRequest].
type InputReply struct {
	Value string `json:"value"`
}

// KernelInfo is what a kernel says about itself.
type KernelInfo struct {
	Status                string       `json:"status"`
	ProtocolVersion       string       `json:"protocol_version"`
	Implementation        string       `json:"implementation"`
	ImplementationVersion string       `json:"implementation_version"`
	LanguageInfo          LanguageInfo `json:"language_info"`
	Banner                string       `json:"banner"`
	HelpLinks             []HelpLink   `json:"help_links"`
}

// HelpLink is an entry of a front end's help menu.
type HelpLink struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// CursorRequest is the content of complete_request and inspect_request.
type CursorRequest struct {
	Code        string `json:"code"`
	CursorPos   int    `json:"cursor_pos"` // in code points
	DetailLevel int    `json:"detail_level"`
}

// CompleteReply lists what could replace the text between two places of the code.
type CompleteReply struct {
	Status      string         `json:"status"`
	Matches     []string       `json:"matches"`
	CursorStart int            `json:"cursor_start"`
	CursorEnd   int            `json:"cursor_end"`
	Metadata    map[string]any `json:"metadata"`
}

// InspectReply describes what is at the cursor.
type InspectReply struct {
	Status   string         `json:"status"`
	Found    bool           `json:"found"`
	Data     map[string]any `json:"data"`
	Metadata map[string]any `json:"metadata"`
}

// IsCompleteRequest asks whether code can be executed or needs more lines.
type IsCompleteRequest struct {
	Code string `json:"code"`
}

// IsCompleteReply says "complete", "incomplete" or "invalid".
type IsCompleteReply struct {
	Status string `json:"status"`
	Indent string `json:"indent"` // for the next line, if incomplete
}

// HistoryRequest asks for code that was executed.
type HistoryRequest struct {
	Output  bool   `json:"output"`
	Access  string `json:"hist_access_type"` // "range", "tail" or "search"
	Session int    `json:"session"`
	Start   int    `json:"start"`
	Stop    int    `json:"stop"`
	N       int    `json:"n"`
	Pattern string `json:"pattern"` // with * and ?
	Unique  bool   `json:"unique"`
}

// HistoryReply lists session, line number and input; with outputs, the input is
// a pair.
type HistoryReply struct {
	Status  string   `json:"status"`
	History [][3]any `json:"history"`
}

// Comm is what comm_open, comm_msg and comm_close begin with.
type Comm struct {
	ID     string `json:"comm_id"`
	Target string `json:"target_name"`
	Data   struct {
		Value json.RawMessage `json:"value,omitempty"` // of this module's own comms
	} `json:"data"`
}

// CommInfoReply lists the open comms.
type CommInfoReply struct {
	Status string                       `json:"status"`
	Comms  map[string]map[string]string `json:"comms"`
}

// OK is the content of replies that say nothing more.
type OK struct {
	Status string `json:"status"`
}

// LanguageInfo describes a kernel's language; it is saved in a notebook.
type LanguageInfo struct {
	Name              string `json:"name"`
	Version           string `json:"version"`
	MIMEType          string `json:"mimetype"`
	FileExtension     string `json:"file_extension"`
	PygmentsLexer     string `json:"pygments_lexer"`
	CodeMirrorMode    any    `json:"codemirror_mode"` // a name, or a name with settings
	NBConvertExporter string `json:"nbconvert_exporter"`
}

// Shutdown asks a kernel to end, and is the content of its answer.
type Shutdown struct {
	Status  string `json:"status,omitempty"` // of the answer
	Restart bool   `json:"restart"`
}

// Empty is the content of messages that carry none.
type Empty struct{}
