//! Addresses of pods.

use crate::{object::Key, world::World};
use std::{collections::HashMap, net::TcpListener};

const POSTGRES: u16 = 5432;

/// Where a pod lives.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) address: String,
}

/// Who has which address. A pod that comes back under its name has the address that it had.
#[derive(Default)]
pub(crate) struct Addresses {
    given: HashMap<Key, String>,
    next: u32,
}

impl Addresses {
    pub(crate) fn place(&mut self, pod: &Key, world: &World) -> Place {
        if let Some(address) = self.given.get(pod) {
            return Place { address: address.clone() };
        }
        let address = loop {
            // The last byte is neither 0 nor 255.
            let (high, low) = (self.next / 254 % 256, self.next % 254 + 1);
            self.next += 1;
            if world.machine.is_none() {
                break format!("10.244.{high}.{low}");
            }
            // Two sandboxes on one machine begin at different places, and step around each other.
            let first = 64 + std::process::id() % 128;
            let address = format!("127.{first}.{high}.{low}");
            if TcpListener::bind((address.as_str(), POSTGRES)).is_ok() {
                break address;
            }
        };
        self.given.insert(pod.clone(), address.clone());
        Place { address }
    }
}
