package stream

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// find finds the stream, or creates it. If it is not the stream that we have
// followed, we hear all of it: NATS has lost the old stream, and everything
// said since then is in the new one.
func (s *Stream) find() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), doubt/2)
	defer cancel()
	s.stream, err = s.js.Stream(ctx, Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s.stream, err = s.create(ctx)
	}
	if err != nil {
		return err
	}
	s.grow(ctx)
	info := s.stream.CachedInfo()
	same, err := s.isSame(ctx, info)
	if err != nil {
		return err
	}
	if !same {
		s.created, s.heard, s.id = info.Created, 0, ""
	}
	return nil
}

// copies is how many servers of a cluster have the stream, if the cluster has
// that many. The stream survives the loss of one of three.
const copies = 3

// Error codes of JetStream.
const (
	unavailable  = jetstream.ErrorCode(10008) // the cluster has no leader
	tooFew       = jetstream.ErrorCode(10005) // servers for so many copies
	clustersOnly = jetstream.ErrorCode(10074) // have more than one copy
)

// answered reports whether err is a JetStream error with one of codes.
func answered(err error, codes ...jetstream.ErrorCode) bool {
	var answer *jetstream.APIError
	return errors.As(err, &answer) && slices.Contains(codes, answer.ErrorCode)
}

// create creates the stream, in memory. If the cluster has too few servers,
// others may still join. After a while, create makes do with fewer copies.
func (s *Stream) create(ctx context.Context) (jetstream.Stream, error) {
	if s.creating.IsZero() {
		s.creating = time.Now()
	}
	config := jetstream.StreamConfig{
		Name:       Name,
		Subjects:   []string{Name},
		Storage:    jetstream.MemoryStorage,
		MaxBytes:   64 << 20,          // the oldest messages go
		MaxAge:     10 * MostPatience, // for a server that NATS cannot reach
		Duplicates: 2 * MostPatience,
	}
	for config.Replicas = copies; ; config.Replicas-- {
		stream, err := s.js.CreateStream(ctx, config)
		switch {
		case err == nil:
			s.creating = time.Time{}
			return stream, nil
		case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse):
			return s.js.Stream(ctx, Name) // another server was faster
		case config.Replicas > 1 && answered(err, clustersOnly):
		case config.Replicas > 1 && answered(err, tooFew) &&
			time.Since(s.creating) > doubt/2:
		default:
			return nil, err
		}
	}
}

// grow makes the copies of the stream that are missing, if the cluster has
// become large enough for them.
func (s *Stream) grow(ctx context.Context) {
	config := s.stream.CachedInfo().Config
	if config.Replicas >= copies {
		return
	}
	config.Replicas = copies
	if grown, err := s.js.UpdateStream(ctx, config); err == nil {
		s.stream = grown
	}
}

// isSame reports whether a stream is the one that we have followed. A cluster
// that loses all its servers at once still knows when it created its stream,
// but the stream is empty. So the last message that we heard must be there.
func (s *Stream) isSame(
	ctx context.Context, info *jetstream.StreamInfo,
) (bool, error) {
	switch {
	case !info.Created.Equal(s.created):
		return false, nil
	case s.heard == 0:
		return true, nil
	case info.State.LastSeq < s.heard && s.doubtful.IsZero():
		s.doubtful = time.Now()
		fallthrough
	case info.State.LastSeq < s.heard:
		if time.Since(s.doubtful) < doubt {
			return false, errors.New("the leader does not know the end yet")
		}
		return false, nil
	case info.State.FirstSeq > s.heard, s.id == "":
		return true, nil // the stream has forgotten it, because it is old
	}
	s.doubtful = time.Time{}
	last, err := s.stream.GetMsg(ctx, s.heard)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return true, nil
	}
	return err == nil && last.Header.Get(jetstream.MsgIDHeader) == s.id, err
}
