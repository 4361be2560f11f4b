package live

// A request is what a browser wants. It is a JSON text.
//
//	run       the block Block of the page at Page, after the blocks that it needs
//	crowd     six clients ask the server that runs
//	terminal  another terminal
//	keys      the reader has typed Keys in Pane
//	size      Pane has so many Columns and Rows
//	shown     the browser has shown so many Bytes of Pane
type request struct {
	Do      string `json:"do"`
	Page    string `json:"page"`
	Block   int    `json:"block"`
	Pane    int    `json:"pane"`
	Keys    string `json:"keys"`
	Columns int    `json:"columns"`
	Rows    int    `json:"rows"`
	Bytes   int    `json:"bytes"`
}

// Messages to a browser. Each is a JSON text. The output of a pane comes as a
// binary message: the pane's number in two bytes, big-endian, and then the data.
type (
	// A session has begun. Everything from an earlier session is gone.
	sessionBegins struct {
		Tell string `json:"tell"` // session
		Note string `json:"note"` // says on which network it is
	}

	// A pane has opened, or has a new title.
	paneOpens struct {
		Tell  string   `json:"tell"` // pane
		Pane  int      `json:"pane"`
		Kind  paneKind `json:"kind"`
		Title string   `json:"title"`
	}

	// A program of a pane runs or has ended. Port is where it listens, or 0.
	paneChanges struct {
		Tell string `json:"tell"` // program
		Pane int    `json:"pane"`
		Runs bool   `json:"runs"`
		Port int    `json:"port"`
	}

	// A command of a block is running, or has printed what is on the page, or
	// something else.
	commandChanges struct {
		Tell    string       `json:"tell"` // command
		Page    string       `json:"page"`
		Block   int          `json:"block"`
		Command int          `json:"command"`
		State   commandState `json:"state"`
		Want    string       `json:"want,omitempty"` // names replace what may differ
		Got     string       `json:"got,omitempty"`
		Why     string       `json:"why,omitempty"` // it failed
	}

	// The request to run a block has been carried out, or cannot be.
	blockEnds struct {
		Tell  string `json:"tell"` // ended
		Page  string `json:"page"`
		Block int    `json:"block"`
	}

	// Something happened in the lanes. Times are in ms.
	lanesChange struct {
		Tell   string      `json:"tell"` // lanes
		Events []laneEvent `json:"events"`
	}
	laneEvent struct {
		At     float64 `json:"at"`
		Server uint16  `json:"server"`
		Client uint16  `json:"client"`
		UDP    bool    `json:"udp,omitempty"`
		Kind   string  `json:"kind"`
		Size   int     `json:"size,omitempty"`
		Text   string  `json:"text,omitempty"`
		Doubt  float64 `json:"doubt,omitempty"` // the state may have begun earlier or later
	}

	// The reader should know something.
	noteComes struct {
		Tell string `json:"tell"` // note
		Note string `json:"note"`
	}
)

// A paneKind says what a pane shows.
type paneKind string

const (
	shellPane    paneKind = "shell"    // the terminal where blocks run
	terminalPane paneKind = "terminal" // another one
	logPane      paneKind = "log"      // the output of a program in the background
)

// A commandState says whether a command is still running, or how it ended.
type commandState string

const (
	running   commandState = "running"
	asPrinted commandState = "as printed"
	differs   commandState = "differs"
	failed    commandState = "failed"
)
