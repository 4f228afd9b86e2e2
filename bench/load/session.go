package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// How long we wait for a connection, for room to write, or for a reply.
const patience = 60 * time.Second

// A load does not verify the certificate, and offers nothing but X25519 for the key exchange, so that its own work is small and
// the same with every server. A client that is timed verifies the certificate, and offers what Go offers by default, unless its
// access names X25519. Neither keeps tickets, so every handshake is a full one.
func clientConfig(to access, timed bool) (*tls.Config, error) {
	x25519 := []tls.CurveID{tls.X25519}
	if !timed {
		return &tls.Config{InsecureSkipVerify: true, CurvePreferences: x25519}, nil
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: to.Host}
	if !config.RootCAs.AppendCertsFromPEM([]byte(to.CA)) {
		return nil, errors.New("the access names no authority that could have signed the certificate")
	}
	switch to.Groups {
	case "":
	case "X25519":
		config.CurvePreferences = x25519
	default:
		return nil, fmt.Errorf("the groups %q are not known here", to.Groups)
	}
	return config, nil
}

type access struct {
	Host string `json:"host"`
	Port int    `json:"port"`
	TLS  string `json:"tls"`
	// PEM.
	CA     string `json:"ca"`
	Groups string `json:"groups"`
	Login  *struct {
		Username string `json:"username"`
		Password string `json:"password"`
	} `json:"login"`
}

// One connection to a submission server: secured by STARTTLS and logged in, if its access says so.
type session struct {
	conn   net.Conn
	reader *bufio.Reader
	// Whether a reply offered PIPELINING (RFC 2920).
	pipelining bool
}

func open(to access, config *tls.Config) (*session, error) {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", to.Host, to.Port), patience)
	if err != nil {
		return nil, err
	}
	s := &session{}
	s.use(conn)
	if err := s.begin(to, config); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *session) begin(to access, config *tls.Config) error {
	if err := s.reply("220"); err != nil {
		return err
	}
	if err := s.command("EHLO client.test\r\n", "250"); err != nil {
		return err
	}
	if to.TLS == "StartTLS" {
		if err := s.command("STARTTLS\r\n", "220"); err != nil {
			return err
		}
		s.use(tls.Client(s.conn, config))
		if err := s.command("EHLO client.test\r\n", "250"); err != nil {
			return err
		}
	}
	if to.Login == nil {
		return nil
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + to.Login.Username + "\x00" + to.Login.Password))
	return s.command("AUTH PLAIN "+plain+"\r\n", "235")
}

func (s *session) use(conn net.Conn) {
	s.conn = conn
	s.reader = bufio.NewReader(conn)
}

// Submits one message. If the server refuses it, the error begins with its reply.
func (s *session) submit(content []byte, pipelined bool) error {
	const from, to, data = "MAIL FROM:<app@corp.test>\r\n", "RCPT TO:<someone@sink.test>\r\n", "DATA\r\n"
	if pipelined && !s.pipelining {
		return errors.New("the server does not offer PIPELINING")
	}
	if pipelined {
		if err := s.write([]byte(from + to + data)); err != nil {
			return err
		}
		for _, code := range []string{"250", "250", "354"} {
			if err := s.reply(code); err != nil {
				return err
			}
		}
	} else {
		for _, step := range [][2]string{{from, "250"}, {to, "250"}, {data, "354"}} {
			if err := s.command(step[0], step[1]); err != nil {
				return err
			}
		}
	}
	if err := s.write(content); err != nil {
		return err
	}
	return s.reply("250")
}

func (s *session) quit() {
	_ = s.command("QUIT\r\n", "221")
	s.conn.Close()
}

func (s *session) command(line, code string) error {
	if err := s.write([]byte(line)); err != nil {
		return err
	}
	return s.reply(code)
}

func (s *session) write(octets []byte) error {
	if err := s.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := s.conn.Write(octets)
	return err
}

// Reads all lines of one reply; it is an error if its code is another one.
func (s *session) reply(code string) error {
	for {
		line, err := s.reader.ReadString('\n')
		if err != nil {
			return fmt.Errorf("the connection was lost: %w", err)
		}
		s.pipelining = s.pipelining || len(line) > 4 && strings.TrimSpace(line[4:]) == "PIPELINING"
		if len(line) >= 4 && line[3] == '-' {
			continue
		}
		if !strings.HasPrefix(line, code) {
			return fmt.Errorf("%s (expected %s)", strings.TrimSpace(line), code)
		}
		return nil
	}
}
