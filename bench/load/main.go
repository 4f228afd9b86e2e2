// The load of the benchmarks: sessions that submit as fast as they are answered. It reads one order from standard input and
// writes one result to standard output, both in JSON (bench/load-order.ts). It is a program of its own, in a language whose TLS
// handshake costs little, since load and server share the cores that are measured.
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type order struct {
	Access   access `json:"access"`
	Sessions int    `json:"sessions"`
	// The load ends after so many messages, or begins none after so many seconds; the one that is not used is 0.
	Messages   int64   `json:"messages"`
	ForSeconds float64 `json:"forSeconds"`
	// 0: a session submits until the load ends.
	MessagesPerConnection int  `json:"messagesPerConnection"`
	Pipelined             bool `json:"pipelined"`
	// Whether to measure how long each connection takes, from its beginning to the answer to QUIT.
	Timed bool `json:"timed"`
	// Submitted in turn. They are dot-stuffed, and each has the final dot (RFC 5321 section 4.5.2).
	Contents []string `json:"contents"`
}

type result struct {
	// Milliseconds since the epoch.
	Began        int64    `json:"began"`
	Seconds      float64  `json:"seconds"`
	CPUSeconds   float64  `json:"cpuSeconds"`
	Acknowledged int64    `json:"acknowledged"`
	Others       []string `json:"others"`
	// One for each connection, in the order of their ends, even if a message on it was refused; not for the last one of a session,
	// on which there was nothing left to submit. Empty unless the order asks for it.
	ConnectionsMs []float64 `json:"connectionsMs"`
}

// What all sessions share.
type load struct {
	order
	tls          *tls.Config
	contents     [][]byte
	begun        atomic.Int64
	acknowledged atomic.Int64
	end          time.Time
	mutex        sync.Mutex
	others       []string
	took         []float64
}

func main() {
	// One thread, as an event loop has: the load should take no more than one of the cores.
	runtime.GOMAXPROCS(1)
	l := &load{others: []string{}, took: []float64{}}
	if err := json.NewDecoder(os.Stdin).Decode(&l.order); err != nil {
		fmt.Fprintln(os.Stderr, "the order can not be read:", err)
		os.Exit(2)
	}
	for _, content := range l.Contents {
		l.contents = append(l.contents, []byte(content))
	}
	config, err := clientConfig(l.Access, l.Timed)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the order can not be carried out:", err)
		os.Exit(2)
	}
	l.tls = config
	runtime.GC()
	before, start := cpuSeconds(), time.Now()
	l.end = start.Add(time.Duration(l.ForSeconds * float64(time.Second)))
	var sessions sync.WaitGroup
	for n := 0; n < l.Sessions; n++ {
		sessions.Add(1)
		go func() {
			defer sessions.Done()
			l.keepSubmitting()
		}()
	}
	sessions.Wait()
	done := result{start.UnixMilli(), time.Since(start).Seconds(), cpuSeconds() - before, l.acknowledged.Load(), l.others, l.took}
	if err := json.NewEncoder(os.Stdout).Encode(done); err != nil {
		os.Exit(1)
	}
}

func (l *load) keepSubmitting() {
	for {
		start := time.Now()
		s, err := open(l.Access, l.tls)
		if err != nil {
			l.note(err)
			return
		}
		more := l.submitOn(s)
		s.quit()
		if !more {
			return
		}
		if l.Timed {
			l.clock(time.Since(start))
		}
	}
}

// Submits on one connection until its messages are through or one fails. Returns false when the load is over.
func (l *load) submitOn(s *session) bool {
	for n := 0; l.MessagesPerConnection == 0 || n < l.MessagesPerConnection; n++ {
		content := l.next()
		if content == nil {
			return false
		}
		if err := s.submit(content, l.Pipelined); err != nil {
			l.note(err)
			return true
		}
		l.acknowledged.Add(1)
	}
	return true
}

func (l *load) next() []byte {
	n := l.begun.Add(1)
	if l.Messages > 0 && n > l.Messages || l.ForSeconds > 0 && time.Now().After(l.end) {
		return nil
	}
	return l.contents[n%int64(len(l.contents))]
}

func (l *load) note(err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.others = append(l.others, err.Error())
}

func (l *load) clock(took time.Duration) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.took = append(l.took, float64(took.Microseconds())/1000)
}

func cpuSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(used.Utime) + seconds(used.Stime)
}
