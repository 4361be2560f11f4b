// Package stream gives the servers of one chat the same messages in the same
// order. Each server publishes its clients' messages to one JetStream stream,
// and follows that stream. A cluster of NATS servers, which keeps the stream,
// may lose a machine.
package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"fopnp/internal/py/argparse"
	"fopnp/internal/serve/program"
)

// Name is the name of the stream, and the subject of all messages in it.
const Name = "tincanchat"

// MostPatience is the longest that a program may try to say something. The
// stream recognizes duplicates for twice as long, so it has a message once,
// however often the program sends it.
const MostPatience = time.Minute

// Times that a student should not notice.
const (
	answer = time.Second            // for NATS to answer a request
	again  = 250 * time.Millisecond // before we repeat what failed
	beat   = time.Second            // NATS shows that it lives
	doubt  = 10 * time.Second       // for what a cluster has to agree on
)

// Options are the command line options of a program with a Stream.
type Options struct {
	url      *string
	patience *time.Duration
}

// NewOptions declares the options -n and -a.
func NewOptions(parser *argparse.Parser) Options {
	return Options{
		parser.String("n", "url", nats.DefaultURL,
			"the NATS server (default %(default)s)"),
		parser.SecondsUpTo(MostPatience, "a", 5*time.Second,
			"how long a message may be unconfirmed"+
				" (default %(default)s, at most 60)"),
	}
}

// A Stream is a connection to NATS, and a position in the stream. Follow must
// run in one goroutine. Any number of goroutines may call Say.
type Stream struct {
	patience time.Duration
	nc       *nats.Conn
	js       jetstream.JetStream
	url      atomic.Value // of the NATS server that we are connected to

	resume atomic.Pointer[context.CancelFunc] // makes Follow look at the stream again

	// Follow alone uses these.
	stream   jetstream.Stream
	creating time.Time // since when we try to create it
	created  time.Time // tells the stream from a later one with the same name
	heard    uint64    // the number of the last message that we have heard
	id       string    // of that message
	doubtful time.Time // since when the stream seems to be shorter than that

	unheard sync.Map // from the ID of each of our messages to a chan struct{}
}

// Open connects to NATS, and creates the stream if there is none. Follow skips
// what is in the stream already. If Open fails, the program ends with status 1
// and a line that says why.
func (o Options) Open() *Stream {
	s := &Stream{patience: *o.patience}
	if err := s.connect(*o.url); err != nil {
		program.Fail("connect to NATS at "+redacted(*o.url), err)
	}
	giveUp := time.Now().Add(2 * doubt)
	err := s.find()
	for isLeaderless(err) && time.Now().Before(giveUp) {
		time.Sleep(again)
		err = s.find()
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders),
		errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		err = errors.New("NATS has no JetStream: start it with -js")
	case errors.Is(err, context.DeadlineExceeded):
		err = program.ErrTimedOut
	}
	if err != nil {
		program.Fail("find or create stream "+Name, err)
	}
	s.heard = s.stream.CachedInfo().State.LastSeq
	return s
}

// isLeaderless reports whether err may go away soon, because the cluster of
// NATS has just started, or elects a leader.
func isLeaderless(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) ||
		answered(err, unavailable, tooFew)
}

// connect connects to NATS. When the connection is lost, we say so and connect
// again, to any server of the cluster. That goes on for ever.
func (s *Stream) connect(urls string) (err error) {
	connected := func(nc *nats.Conn) {
		s.url.Store(nc.ConnectedUrlRedacted())
		if resume := s.resume.Load(); resume != nil {
			(*resume)()
		}
	}
	var dialer dialer
	s.nc, err = nats.Connect(urls,
		nats.Name(program.Name()),
		nats.SetCustomDialer(&dialer),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(again),
		nats.ReconnectBufSize(-1), // Say repeats, so nothing may wait here
		nats.PingInterval(3*answer),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err == nil {
				err = nats.ErrConnectionClosed
			}
			program.Complain(fmt.Sprintf("connection to %s", s.url.Load()), err)
		}),
		nats.ReconnectHandler(connected),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
		nats.NoCallbacksAfterClientClose())
	if errors.Is(err, nats.ErrNoServers) && dialer.err != nil {
		return dialer.err
	} else if err != nil {
		return err
	}
	connected(s.nc)
	s.js, err = jetstream.New(s.nc)
	return err
}

// A dialer knows why it could not connect. NATS only says that it has tried all
// servers.
type dialer struct {
	net.Dialer
	err error
}

func (d *dialer) Dial(network, address string) (conn net.Conn, err error) {
	conn, d.err = d.Dialer.Dial(network, address)
	return conn, d.err
}

// redacted returns a list of URLs without their passwords.
func redacted(urls string) string {
	list := strings.Split(urls, ",")
	for i, text := range list {
		if u, err := url.Parse(text); err == nil {
			list[i] = u.Redacted()
		}
	}
	return strings.Join(list, ",")
}

// Say adds data to the stream, and returns when Follow has heard it there. It
// sends the data again until then, with an ID, so the stream keeps it only
// once. If that takes longer than the time of -a, or the program has to stop,
// Say gives up with an error. Even then the data may be in the stream, or will
// be: NATS may have it, and only its answer was lost.
func (s *Stream) Say(data []byte) error {
	ctx, cancel := context.WithTimeout(program.Hurrying(), s.patience)
	defer cancel()
	id, heard := nuid.Next(), make(chan struct{})
	s.unheard.Store(id, heard)
	defer s.unheard.Delete(id)
	for {
		try, cancel := context.WithTimeout(ctx, answer)
		_, err := s.js.Publish(try, Name, data, jetstream.WithMsgID(id))
		cancel()
		var wait <-chan time.Time
		if err != nil {
			wait = time.After(again)
		}
		select {
		case <-heard:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-wait:
		}
	}
}

// Follow calls hear with every message, from this program and from others, and
// never returns. All programs that follow the stream hear the same messages in
// the same order, each once.
func (s *Stream) Follow(hear func(data []byte)) {
	for {
		ctx, cancel := context.WithCancel(context.Background())
		s.resume.Store(&cancel)
		err := s.find()
		if err == nil {
			err = s.follow(ctx, hear)
		}
		cancel()
		if err != nil {
			time.Sleep(again / 5)
		}
	}
}

// follow hears what comes after the last message that we have heard, until it
// can no longer be sure that nothing is missing.
func (s *Stream) follow(ctx context.Context, hear func(data []byte)) error {
	creating, cancel := context.WithTimeout(ctx, doubt)
	defer cancel()
	consumer, err := s.stream.CreateConsumer(creating, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       s.heard + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: MostPatience,
		Replicas:          1, // if it is lost, we create another
		MemoryStorage:     true,
	})
	if err != nil {
		return err
	}
	msgs, err := consumer.Messages(jetstream.PullExpiry(5*beat),
		jetstream.PullHeartbeat(beat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer msgs.Stop()
	for first := true; ; first = false {
		msg, err := msgs.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		number := meta.Sequence.Stream
		switch {
		case number <= s.heard:
			continue // we have heard it before
		case number > s.heard+1 && first:
			program.Complain("stream "+Name, fmt.Errorf(
				"%d messages were lost before we heard them", number-s.heard-1))
		case number > s.heard+1:
			return errors.New("one is missing, and may still be there")
		}
		s.heard, s.id = number, msg.Headers().Get(jetstream.MsgIDHeader)
		hear(msg.Data())
		if heard, ours := s.unheard.LoadAndDelete(s.id); ours {
			close(heard.(chan struct{}))
		}
	}
}
